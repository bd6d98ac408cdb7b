"""Opens the files of a catalogue, local and remote; remote ones become temporary files."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import fsspec

from app.catalogue.entries import Problem
from app.errors import SetupError
from app.masking import mask, remember
from app.paths import open_file, reason
from app.urls import check_scheme

MAX_REMOTE_BYTES = 2**31
"""The largest remote file that is fetched; it takes as much of the folder for temporary files."""

PIECE_BYTES = 2**20

PAUSES_S = (0.5, 2.0, 8.0)
"""The pauses before further attempts to read from an object store, in seconds."""

STAMPS = (
    *("ETag", "etag", "md5Hash", "content_md5"),
    *("LastModified", "Last-Modified", "last_modified", "mtime", "created"),
)
"""Names by which the file systems of fsspec report the version of a file, the best first."""

Answer = TypeVar("Answer")


class UnreadableError(Exception):
    """A file can't be read: which problem, and the detail."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(problem, detail)
        self.problem = problem
        self.detail = mask(" ".join(detail.split()))[:300]


def is_remote(uri: str) -> bool:
    """Return whether a place is a URL."""
    return "://" in uri


def local_path(place: str) -> Path | None:
    """Return the path of a place on this machine, which may be a URL; None if it is elsewhere."""
    scheme, separator, path = place.partition("://")
    if not separator:
        return Path(place)
    return Path(path) if scheme in {"file", "local"} else None


def list_remote(url: str) -> Iterator[tuple[str, str]]:
    """Yield the path below a URL prefix and the URL of each file, in order.

    Raises:
        SetupError: The prefix can't be listed.
    """
    system, root = open_system(url)
    try:
        found = persist(lambda: sorted(system.find(root)))
    except Exception as error:  # each of fsspec's libraries raises its own
        raise SetupError(f"{url}: it can't be listed: {mask(reason(error))}") from error
    for path in found:
        yield path.removeprefix(root).lstrip("/"), str(system.unstrip_protocol(path))


def fingerprint(uri: str) -> str:
    """Return a text that changes with a file's content, without reading the content.

    It is made of the size and the time of the last change; for URLs, of the size and the first of
    `STAMPS` that the server sends.

    Raises:
        UnreadableError: The file is missing, or access to it is denied.
    """
    with _plain_problems():
        if is_remote(uri):
            system, path = open_system(uri)
            info = persist(lambda: system.info(path))
            stamp = next((info[name] for name in STAMPS if info.get(name)), "")
            return f"{info.get('size')}-{stamp}"
        status = Path(uri).stat()
        return f"{status.st_size}-{status.st_mtime_ns}"


def open_entry(uri: str) -> IO[bytes]:
    """Open a file with a descriptor, for reading.

    Raises:
        UnreadableError: The file can't be read.
    """
    with _plain_problems():
        return _fetch(uri) if is_remote(uri) else open_file(Path(uri))


def digest(file: IO[bytes]) -> str:
    """Return the SHA-256 of an open file, in hex.

    Raises:
        UnreadableError: It can't be read to its end.
    """
    with _plain_problems():
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _fetch(uri: str) -> IO[bytes]:
    """Copy a remote file to a temporary file, which has no name."""
    system, path = open_system(uri)
    size = persist(lambda: system.size(path))
    if (size or 0) > MAX_REMOTE_BYTES:
        raise UnreadableError(Problem.TOO_LARGE, f"it has {size:,} bytes")

    def copy() -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            with system.open(path, "rb") as remote:
                shutil.copyfileobj(remote, file, PIECE_BYTES)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    return persist(copy)


def persist(attempt: Callable[[], Answer]) -> Answer:
    """Return the answer of an object store, with further attempts if it throttles or fails."""
    for pause_s in PAUSES_S:
        try:
            return attempt()
        except (FileNotFoundError, PermissionError, UnreadableError, ValueError):
            raise
        except Exception:  # noqa: BLE001 - each of fsspec's libraries raises its own
            time.sleep(pause_s)
    return attempt()


@contextmanager
def _plain_problems() -> Iterator[None]:
    """Raise `UnreadableError` for the errors of the operating system and of fsspec's libraries."""
    try:
        yield
    except UnreadableError:
        raise
    except FileNotFoundError as error:
        raise UnreadableError(Problem.NOT_FOUND, "the file does not exist") from error
    except PermissionError as error:
        raise UnreadableError(Problem.NOT_PERMITTED, "reading it is not permitted") from error
    except Exception as error:  # each of fsspec's libraries raises its own
        raise UnreadableError(Problem.UNREADABLE, reason(error) or type(error).__name__) from error


def open_system(url: str, **options: object) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it.

    Args:
        url: The URL.
        options: Options of the file system.

    Raises:
        SetupError: The URL is not supported, or a library is missing.
    """
    if "@" in url:  # signatures are masked by their names
        remember(url)
    try:
        check_scheme(url)
        system, path = fsspec.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise SetupError(f"{url}: {error}; `pip install taggram[s3]` for s3://") from error
    return system, str(path)
