"""Writes files atomically, and locks folders for one writing process at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from app.errors import SetupError

PARTIAL = ".taggram-part"
"""Suffix of the names of files that are being written."""

_LOCK = ".lock"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def atomic_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield a file to write, which gets its name after the body; if that fails, it is removed.

    It keeps the owner of the file that it replaces, so that a service can read what root writes.

    Args:
        path: The name of the file.
        mode: Its permissions from the start, before the umask.

    Raises:
        OSError: The file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}{PARTIAL}")
    partial.unlink(missing_ok=True)  # left by a killed run, or a link, which would be followed
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            if path.exists():
                with suppress(PermissionError):
                    os.fchown(descriptor, path.stat().st_uid, path.stat().st_gid)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically.

    Raises:
        SetupError: The file can't be written.
    """
    try:
        with atomic_file(path) as file:
            file.write(data)
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> SetupError:
    """Return the error for a file that can't be written."""
    why = error.strerror or str(error)
    if error.errno in _NO_SPACE:
        why = "there is no space for it; free some, and run this again"
    return SetupError(f"{path}: it can't be written: {why}")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Create and lock a folder, and delete partial files that a killed process left.

    Raises:
        SetupError: Another process has locked it, or it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The folder may come from another machine: follow no link, and don't wait for a pipe.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        lock = os.fdopen(os.open(folder / _LOCK, flags, 0o666), "wb", buffering=0)
    except OSError as error:
        raise write_error(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                f"{folder}: another run writes into it; wait until that run ends"
            ) from error
        for left in folder.rglob(f".*{PARTIAL}"):
            if left.is_symlink() or not left.is_dir():
                left.unlink(missing_ok=True)
        yield


def _sync(folder: Path) -> None:
    """Write the folder's entries to disk: otherwise a renamed file may be lost in a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
