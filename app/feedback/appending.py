"""The file of feedback while a process appends to it, and what becomes of one that is moved away.

SQLite goes on in the old file, and names two others by the path: those of the old file would be
taken for the new one's.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from app.feedback.file import companions, locked, writable

Identity = tuple[int, int] | None
"""Device and inode, which stay the same of a file that grows; None where there is none."""


class FeedbackFile:
    """The file that is open.

    Attributes:
        connection: To it; another one after `follow`.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            SetupError: As `writable`.
        """
        self._path = path
        self._identity: Identity = None
        with locked(path):
            self._open()

    @property
    def is_in_place(self) -> bool:
        """Whether the file that is open is the one at the path."""
        return self._identity is not None and _identity(self._path) == self._identity

    def follow(self) -> None:
        """Put all that was kept into the old file, wherever it is, and open the one at the path.

        The place must be `locked`.

        Raises:
            SetupError: As `writable`; the next call tries again.
        """
        self._identity = None
        self.close()
        for companion, old_identity in self._companions.items():
            if _identity(companion) == old_identity:
                companion.unlink(missing_ok=True)  # SQLite leaves those of a file that moved
        self._open()

    def close(self) -> None:
        """Put all that was kept into the file: SQLite does not where it was moved."""
        with suppress(sqlite3.ProgrammingError), closing(self.connection) as old:  # closed before
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _open(self) -> None:
        self.connection = writable(self._path)
        self._identity = _identity(self._path)
        self._companions = {each: _identity(each) for each in companions(self._path)}


def _identity(path: Path) -> Identity:
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
