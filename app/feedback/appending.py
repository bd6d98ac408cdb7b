"""The open feedback file, which may be moved or deleted while a process appends to it.

SQLite continues in the moved file. It names two auxiliary files (-wal and -shm) by the path, so
that a new file at the same path would use those of the old one.
"""

import sqlite3
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from app.errors import SetupError
from app.feedback.file import auxiliary_files, locked, open_writable

Identity = tuple[int, int] | None
"""Device and inode, which stay the same while a file grows; None if there is no file."""


class FeedbackFile:
    """The open feedback file.

    Attributes:
        connection: The connection to it; `reopen` replaces it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or create it.

        Raises:
            SetupError: As `open_writable`.
        """
        self._path = path
        self._identity: Identity = None
        self._auxiliary: dict[Path, Identity] = {}
        with locked(path):
            self._open()

    @property
    def is_in_place(self) -> bool:
        """Return whether the open file is the one at the path."""
        return self._identity is not None and _identity(self._path) == self._identity

    def reopen(self) -> None:
        """Complete the old file, wherever it is now, and open the one at the path.

        The path must be `locked`.

        Raises:
            SetupError: As `open_writable`; the next call tries again.
        """
        self._identity = None
        self._complete()
        for auxiliary, old_identity in self._auxiliary.items():
            if _identity(auxiliary) == old_identity:
                auxiliary.unlink(missing_ok=True)  # SQLite leaves those of a file that was moved
        self._auxiliary = {}  # a new file may get the inode of a deleted one
        self._open()

    def close(self) -> None:
        """Write all data into the file and close it.

        Under the lock, if it can be had: SQLite deletes the auxiliary files by name, and must not
        delete those of a new file that another process creates meanwhile.
        """
        with ExitStack() as stack:
            with suppress(SetupError):
                stack.enter_context(locked(self._path))
            self._complete()

    def _complete(self) -> None:
        """Write all data into the file, which SQLite does not do itself if it was moved."""
        with suppress(sqlite3.ProgrammingError), closing(self.connection) as old:  # already closed
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _open(self) -> None:
        self.connection = open_writable(self._path)
        self._identity = _identity(self._path)
        self._auxiliary = {each: _identity(each) for each in auxiliary_files(self._path)}


def _identity(path: Path) -> Identity:
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
