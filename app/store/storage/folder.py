"""Models in a folder of this machine: what is put there appears in one step, or never."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from app.paths import read_file, resolve_inside

_LOCK = ".lock"
_PARTIAL = ".partial-"
"""Begins the names of what is being written, or taken away; a dot hides it from whoever reads."""


class Folder:
    """See `app.store.storage.store.StorageBackend`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def paths(self) -> list[str]:
        """All files as `<name>/<version>/<file>`."""
        return [
            f"{name.name}/{version.name}/{file.name}"
            for name in _inside(self._folder)
            for version in _inside(name)
            for file in _inside(version)
        ]

    def read(self, path: str, at_most: int) -> bytes:
        """A file's content; a pipe or a device is no file."""
        return read_file(self._folder / path, at_most)

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Write a folder under a hidden name, then rename it; to be called under the lock.

        Raises:
            FileExistsError: Something is there.
        """
        target = resolve_inside(self._folder, path)
        if target.exists() and next(target.iterdir(), None):
            raise FileExistsError(target)
        self._clear()
        with self._partial() as partial:
            (partial / target.name).mkdir()
            for name, data in files.items():
                _write(partial / target.name / name, data)
            if target.parent.exists():
                (partial / target.name).rename(target)
            else:  # the model with its first version, in one step too
                partial.rename(target.parent)
        _sync(target.parent)
        _sync(self._folder)

    def write(self, path: str, data: bytes) -> None:
        """Put a new file in the old one's place, so that readers see either of them, whole."""
        target = resolve_inside(self._folder, path)
        with self._partial() as partial:
            new = partial / target.name
            _write(new, data)
            if target.exists():
                with suppress(PermissionError):  # it stays whose it was, also where root writes
                    os.chown(new, target.stat().st_uid, target.stat().st_gid)
            new.replace(target)
        _sync(target.parent)

    def remove(self, path: str, first: str) -> None:  # noqa: ARG002 - it goes in one step
        """Give a folder a hidden name, then delete it."""
        with self._partial() as partial:
            resolve_inside(self._folder, path).rename(partial / "removed")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out. The lock's file stays: without it two could hold one each."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        partial = self._folder / f"{_PARTIAL}{uuid4().hex}"
        partial.mkdir()
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _clear(self) -> None:
        """Delete what others left who were killed; whoever lives holds the lock."""
        for left in self._folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)


def _inside(folder: Path) -> list[Path]:
    """What is in a folder, hidden things left out; nothing where it is none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have names on the disk, too: a renamed file may be lost otherwise."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
