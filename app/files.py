"""Files that are whole or not there, and folders that one process at a time writes into."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.errors import SetupError

PARTIAL = ".taggram-part"
"""Ends the names of what is being written."""

_LOCK = ".lock"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Lend a file to write to, which gets its name after the body; where that fails, none is left.

    Raises:
        OSError: It can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}{PARTIAL}")
    beside.unlink(missing_ok=True)  # of a killed run; a link there would be written through
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, whatever happens meanwhile.

    Raises:
        SetupError: It can't be written.
    """
    try:
        with whole_file(path) as file:
            file.write(data)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> SetupError:
    """What to tell of a file that can't be written."""
    why = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        why = "there is no room for it; make some, and run this again"
    return SetupError(f"{path}: it can't be written: {why}")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder, keep other writers out of it, and clear what one left who was killed.

    Raises:
        SetupError: Another process holds it, or it can't be written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder may come from elsewhere: a link is not followed, a pipe not waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        lock = os.fdopen(os.open(folder / _LOCK, flags, 0o666), "wb", buffering=0)
    except OSError as error:
        raise unwritable(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(f"{folder}: another run writes into it; wait for its end") from error
        for left in folder.rglob(f".*{PARTIAL}"):
            if left.is_symlink() or not left.is_dir():
                left.unlink(missing_ok=True)
        yield


def _sync(folder: Path) -> None:
    """Have names on the disk, too: a renamed file may be lost otherwise."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
