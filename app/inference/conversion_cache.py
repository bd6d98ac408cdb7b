"""Keeps converted networks and front ends in the user's cache: a start with them needs no Keras.

    <cache folder>/converted/<key>     SHA-256 of key and content, then the content

The key is a hash of all that the content depends on, so an entry is never stale. Entries that are
damaged, or that another user could have written, are not used.
"""

import hashlib
import json
import logging
import os
import stat
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

from app.files import atomic_file
from app.installation import PACKAGE, cache_folder, installed_version

log = logging.getLogger(__name__)

LIBRARIES = (
    "openvino",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "kapre",
    "librosa",
    "scipy",
    "numpy",
)
"""Distributions that build or convert networks and front ends."""

CODE = ("models", "inference", "store/registry", "front_ends.py", "samples.py", "spectra.py")
"""Our code that does. Its parameters, such as those of folding, are constants in it."""

MOST_ENTRIES = 64
"""The oldest are deleted: each takes one to twenty megabytes."""

LARGEST_ENTRY = 2**31
"""In bytes."""

_DIGEST = hashlib.sha256().digest_size


class _UntrustedError(Exception):
    """An entry is damaged, or another user could have written it."""


def make_key(**inputs: object) -> str:
    """Return the key of an entry: a hash of its inputs, of the libraries and of our code.

    Args:
        inputs: All else that the content depends on, as JSON or with a complete `repr`.
    """
    environment = {"libraries": _libraries(), "code": hash_code(), "taggram": installed_version()}
    text = json.dumps({**environment, "inputs": inputs}, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def read_entry(title: str, key: str) -> bytes | None:
    """Return the content of an entry, or None if it is missing, damaged, or not trusted.

    Args:
        title: What it is, as the log names it.
        key: Its key.
    """
    path = _folder() / key
    try:
        _check_owner(_folder().lstat(), _folder())
        with _open(path) as file:
            _check_owner(os.fstat(file.fileno()), path)
            entry = file.read(LARGEST_ENTRY)
        content = entry[_DIGEST:]
        if entry[:_DIGEST] != _digest(key, content):
            raise _UntrustedError("it is damaged")
    except FileNotFoundError:
        return None
    except (OSError, _UntrustedError) as error:
        log.warning("%s: the cached conversion %s is not used: %s", title, path, error)
        return None
    log.info("%s was converted before: it is read from %s", title, path)
    return content


def write_entry(title: str, key: str, content: bytes) -> None:
    """Write an entry, and delete the oldest ones beyond `MOST_ENTRIES`; a failure is logged.

    Args:
        title: What it is, as the log names it.
        key: Its key.
        content: Its content.
    """
    folder = _folder()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _check_owner(folder.lstat(), folder)
        with atomic_file(folder / key, 0o600) as file:
            file.write(_digest(key, content) + content)
        _delete_oldest(folder)
    except (OSError, _UntrustedError) as error:
        log.warning("%s: its conversion can't be cached in %s: %s", title, folder, error)


def _folder() -> Path:
    return cache_folder() / "converted"


def _open(path: Path) -> BinaryIO:
    """Open a file; a link is not followed, and a pipe not waited for."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _check_owner(status: os.stat_result, path: Path) -> None:
    """Check that no other user, except root, can have written a file or a folder.

    Raises:
        _UntrustedError: One can.
    """
    if stat.S_ISLNK(status.st_mode):
        raise _UntrustedError(f"{path} is a link; expected a folder")
    if status.st_uid not in {os.geteuid(), 0} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _UntrustedError(
            f"other users can write {path}; delete it, or make it this user's with mode 700"
        )


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def _delete_oldest(folder: Path) -> None:
    by_age = sorted(folder.iterdir(), key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in by_age[MOST_ENTRIES:]:
        file.unlink(missing_ok=True)


def _libraries() -> dict[str, str | None]:
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def hash_code() -> str:
    """Return a hash of our code that makes networks, which changes between two releases too."""
    digest = hashlib.sha256()
    for name in CODE:
        path = PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes())
    return digest.hexdigest()
