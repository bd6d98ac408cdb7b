"""The storage of a catalogue: a folder of this machine, or a prefix in an object store.

A file appears whole or not at all. In a folder it is renamed when it is complete, and one process
writes at a time. An object store makes an object visible when it is complete, and has no locks:
several processes may write, as each names its files with random digits.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol, TypeVar
from uuid import uuid4

from app.catalogue.files import local_path, open_system, persist
from app.errors import SetupError
from app.files import atomic_file, locked_folder, write_error
from app.masking import mask
from app.paths import open_file, reason

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""Schemes of URLs below which a file appears whole or not at all."""

LONGEST_REASON = 300
"""Characters; a server may answer with a whole page."""

Answer = TypeVar("Answer")


class Storage(Protocol):
    """Files by their paths in a catalogue, such as `tracks/msd-musicnn/1/x.parquet`.

    Methods raise `SetupError` if the storage fails.
    """

    def where(self, path: str = "") -> str:
        """Return a file as messages name it."""

    def files(self, folder: str) -> list[str]:
        """Return all complete files below a folder, sorted; none if it does not exist."""

    def read(self, path: str, read: Callable[[IO[bytes]], Answer]) -> Answer:
        """Return what a function makes of a file; it is called again if the storage fails.

        Raises:
            FileNotFoundError: It does not exist, maybe no longer.
            ValueError: The function refuses the content.
        """

    def write(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Return a file to write, which appears or replaces another one after the body."""

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""

    def locked(self) -> AbstractContextManager[None]:
        """Check that files can be written, and lock out other writers if there are locks."""


def open_storage(place: str | Path) -> Storage:
    """Return the storage of a catalogue; nothing is read yet.

    Args:
        place: A folder, or the URL of a prefix in an object store.

    Raises:
        SetupError: It is neither, or needs a library that is not installed.
    """
    folder = local_path(str(place))
    return Folder(folder) if folder else ObjectStore(str(place))


class Folder:
    """A folder of this machine; see `Storage`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def where(self, path: str = "") -> str:
        """Return a file as messages name it."""
        return str(self._folder / path)

    def files(self, folder: str) -> list[str]:
        """Return all complete files below a folder, sorted."""
        found = (path for path in (self._folder / folder).rglob("[!.]*") if path.is_file())
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def read(self, path: str, read: Callable[[IO[bytes]], Answer]) -> Answer:
        """Return what a function makes of a file."""
        try:
            with open_file(self._folder / path) as file:
                return read(file)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _error(self.where(path), "it can't be read", error) from error

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        """Yield a file to write, which gets its name after the body."""
        try:
            with atomic_file(self._folder / path) as file:
                yield file
        except OSError as error:
            raise write_error(self._folder / path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        try:
            (self._folder / path).unlink(missing_ok=True)
        except OSError as error:
            raise _error(self.where(path), "it can't be removed", error) from error

    def locked(self) -> AbstractContextManager[None]:
        """Create and lock the folder; a second process is refused."""
        return locked_folder(self._folder)


class ObjectStore:
    """A prefix in an object store; see `Storage`."""

    def __init__(self, url: str) -> None:
        """Open it; nothing is read yet.

        Raises:
            SetupError: It is not that of an object store, names no bucket, or needs a library that
                is not installed.
        """
        self._url = mask(url.rstrip("/"))
        if url.partition("://")[0].lower() not in OBJECT_STORES:
            raise SetupError(
                f"{self._url}: expected a folder or an object store, as one of "
                f"{', '.join(sorted(OBJECT_STORES))}: others show files that are not complete"
            )
        self._system, root = open_system(url, use_listings_cache=False)  # others write too
        self._root = root.rstrip("/")
        if not self._root:
            raise SetupError(f"{self._url}: expected a bucket and a prefix")

    def where(self, path: str = "") -> str:
        """Return a file as messages name it."""
        return f"{self._url}/{path}".rstrip("/")

    def files(self, folder: str) -> list[str]:
        """Return all files below a folder, sorted."""
        try:
            found = persist(lambda: self._system.find(self._at(folder)))
        except FileNotFoundError:
            return []
        except Exception as error:
            raise _error(self.where(folder), "it can't be listed", error) from error
        return sorted(path.removeprefix(f"{self._root}/") for path in found)

    def read(self, path: str, read: Callable[[IO[bytes]], Answer]) -> Answer:
        """Return what a function makes of a file, with further attempts."""

        def attempt() -> Answer:
            with self._system.open(self._at(path), "rb") as file:
                return read(file)

        try:
            return persist(attempt)
        except (FileNotFoundError, ValueError):
            raise
        except Exception as error:
            raise _error(self.where(path), "it can't be read", error) from error

    @contextmanager
    def write(self, path: str) -> Iterator[IO[bytes]]:
        """Yield a temporary file, which is sent after the body."""
        with tempfile.NamedTemporaryFile() as file:
            try:
                yield file
                file.flush()
            except OSError as error:
                raise write_error(Path(file.name), error) from error
            try:
                persist(lambda: self._system.put_file(file.name, self._at(path)))
            except Exception as error:
                raise _error(self.where(path), "it can't be written", error) from error

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        try:
            persist(lambda: self._system.rm_file(self._at(path)))
        except FileNotFoundError:
            return
        except Exception as error:
            raise _error(self.where(path), "it can't be removed", error) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Check that files can be written, before hours of work; no locks are needed."""
        path = f".check-{uuid4().hex}"
        with self.write(path):
            pass
        self.remove(path)
        yield

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


def _error(where: str, problem: str, error: Exception) -> SetupError:
    why = mask(reason(error) or type(error).__name__)[:LONGEST_REASON]
    return SetupError(f"{where}: {problem}: {why}")
