"""The interface of the storage of a model store: a folder, or a URL."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol


class StorageBackend(Protocol):
    """Files by their paths below a root. Methods raise `OSError`, or errors of a library."""

    def paths(self) -> list[str]:
        """Return all files as `<name>/<version>/<file>`, without those being written."""

    def read(self, path: str, at_most: int, sha256: str | None = None) -> bytes:
        """Return the content of a file, or raise if it has more than `at_most` bytes.

        Args:
            path: The path of the file.
            at_most: The largest size, in bytes.
            sha256: The SHA-256 that it should have; it may then come from a cache of this machine.
        """

    def publish(self, path: str, files: Mapping[str, bytes]) -> None:
        """Write a folder; its last file makes it visible.

        Raises:
            FileExistsError: The folder exists.
        """

    def write(self, path: str, data: bytes) -> None:
        """Write or replace a file atomically."""

    def remove(self, path: str, first: str) -> None:
        """Remove a folder; removing its file `first` makes it invisible."""

    def locked(self) -> AbstractContextManager[None]:
        """Lock out other writers, if the storage has locks."""
