"""Stores models in a local folder, with atomic writes."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from app.files import atomic_file
from app.paths import read_file, resolve_inside

_LOCK = ".lock"
_PARTIAL = ".partial-"
"""Prefix of folders that are being written or removed; the dot hides them from readers."""


class Folder:
    """See `app.store.storage.backend.StorageBackend`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def paths(self) -> list[str]:
        """Return all files as `<name>/<version>/<file>`."""
        return [
            f"{name.name}/{version.name}/{file.name}"
            for name in _inside(self._folder)
            for version in _inside(name)
            for file in _inside(version)
        ]

    def read(self, path: str, at_most: int, sha256: str | None = None) -> bytes:  # noqa: ARG002
        """Return the content of a regular file.

        Args:
            path: The path of the file.
            at_most: The largest size, in bytes.
            sha256: Not used: there is no cache.

        Raises:
            OSError: It is missing, is not a regular file, or has more bytes than `at_most`.
        """
        return read_file(self._folder / path, at_most)

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Write a folder under a hidden name, then rename it; call it with the lock held.

        Raises:
            FileExistsError: The folder exists and is not empty.
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
            else:  # the model appears together with its first version
                partial.rename(target.parent)
        _sync(target.parent)
        _sync(self._folder)

    def write(self, path: str, data: bytes) -> None:
        """Replace a file atomically."""
        with atomic_file(resolve_inside(self._folder, path)) as file:
            file.write(data)

    def remove(self, path: str, first: str) -> None:  # noqa: ARG002 - the rename is atomic
        """Rename a folder to a hidden name, then delete it."""
        with self._partial() as partial:
            resolve_inside(self._folder, path).rename(partial / "removed")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock out other writers. The lock file is kept: deleting it would allow two locks."""
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
        """Delete what killed writers left; a running writer would hold the lock."""
        for left in self._folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)


def _inside(folder: Path) -> list[Path]:
    """Return the visible entries of a folder; nothing if it is not a folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Flush a folder to disk; otherwise a rename may be lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
