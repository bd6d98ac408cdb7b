"""Checks paths and files from untrusted sources.

The author of a file list or of a folder chooses the names, links, pipes and sizes in it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import TextIO

from app.errors import SetupError

NOT_A_FILE = "it is a pipe, a socket or a device, not a file"

_LONGEST_NAME = 255
"""The most bytes of a file name on Linux."""

LONGEST_LINE = 16 * 2**20
"""The most characters in a line of a table."""


def join_inside(folder: Path, name: str) -> Path:
    """Return the path of a name that was read from a file, for reading: links are followed.

    Raises:
        SetupError: The path is outside the folder, or not a valid path.
    """
    if not is_inside(name):
        raise SetupError(
            f"{shortened(name)!r} does not name a file inside {folder}; write a relative path "
            "without '..'"
        )
    return folder / name


def is_inside(name: str) -> bool:
    """Return whether a name is a valid relative path of a file, without `.` and `..`."""
    parts = name.split("/")
    longest = max(len(part.encode(errors="surrogatepass")) for part in parts)
    return not {"", ".", ".."}.intersection(parts) and "\0" not in name and longest <= _LONGEST_NAME


def resolve_inside(folder: Path, name: str) -> Path:
    """Return the path of a name that was read from a file, for writing, renaming and deleting.

    The folders in the path are resolved. The file itself may be a link, which is then replaced or
    deleted, and not its target.

    Raises:
        SetupError: The path is outside the folder, also through a link, or not a valid path.
    """
    path = join_inside(folder, name)
    try:
        root, parent = folder.resolve(), path.parent.resolve()
    except (OSError, RuntimeError) as error:  # a cycle of links
        raise SetupError(f"{path}: can't be resolved: {error}") from error
    if not parent.is_relative_to(root):
        raise SetupError(
            f"{path}: a link leads out of {folder}, to {parent}; nothing is written or deleted "
            "there: remove the link, or move its target into the folder"
        )
    return parent / path.name


def reason(error: Exception) -> str:
    """Return the reason why a file can't be read or written, in one line without its path."""
    return " ".join((getattr(error, "strerror", None) or str(error)).split())


def shortened(text: str, at_most: int = 80) -> str:
    """Return a text, cut to a length that a message may quote."""
    return text if len(text) <= at_most else f"{text[:at_most]}..."


def check_is_file(path: Path) -> None:
    """Check that a path is a file: opening a pipe would block, and a device may have no end.

    Raises:
        OSError: It is a folder, pipe, socket or device, or does not exist.
    """
    _check_mode(path.stat().st_mode, path)


def open_file(path: Path) -> BufferedReader:
    """Open a file for reading; a pipe or a device is refused without blocking.

    Raises:
        OSError: It can't be read, or is not a regular file.
    """
    check_is_file(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _check_mode(os.fstat(descriptor).st_mode, path)  # it may have been replaced
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: Path, at_most: int) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        at_most: The most bytes that it may have.

    Raises:
        OSError: It can't be read, is not a regular file, or is larger.
    """
    with open_file(path) as file:
        is_larger = os.fstat(file.fileno()).st_size > at_most
        data = b"" if is_larger else file.read(at_most + 1)  # it may have grown since
    if is_larger or len(data) > at_most:
        raise OSError(errno.EFBIG, f"it is larger than {at_most:,} bytes", str(path))
    return data


def bounded_lines(file: TextIO, at_most: int = LONGEST_LINE) -> Iterator[str]:
    """Yield the lines of a text, with their line ends.

    Raises:
        ValueError: A line is longer than `at_most` characters.
    """
    number = 0
    while line := file.readline(at_most + 1):
        number += 1
        if len(line) > at_most:
            raise ValueError(f"line {number} is longer than {at_most:,} characters")
        yield line


def _check_mode(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, NOT_A_FILE, str(path))
