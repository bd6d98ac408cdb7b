"""The SQLite file of feedback: how it is made, and how it is told from others."""

import errno
import fcntl
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.errors import SetupError
from app.paths import check_is_file

APPLICATION_ID = int.from_bytes(b"tagf")
"""Which SQLite keeps in the file's header: whose it is."""

VERSION = 1

SCHEMA = (
    """
    CREATE TABLE feedback (
        feedback_id TEXT NOT NULL,
        given_at TEXT NOT NULL,
        track_id TEXT NOT NULL,
        models TEXT NOT NULL,
        vocabulary TEXT NOT NULL,
        vocabulary_version TEXT NOT NULL,
        pooling TEXT NOT NULL,
        confidence TEXT NOT NULL,
        tag TEXT NOT NULL,
        rank INTEGER,
        score REAL,
        verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'added')),
        PRIMARY KEY (feedback_id, tag)
    ) STRICT
    """,
    """
    CREATE TRIGGER feedback_is_not_changed BEFORE UPDATE ON feedback
    BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END
    """,
    """
    CREATE TRIGGER feedback_is_not_deleted BEFORE DELETE ON feedback
    BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END
    """,
    # `INSERT OR REPLACE` deletes without asking the trigger above.
    """
    CREATE TRIGGER feedback_is_not_replaced BEFORE INSERT ON feedback
    WHEN EXISTS (SELECT 1 FROM feedback WHERE feedback_id = NEW.feedback_id AND tag = NEW.tag)
    BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)

PATIENCE_S = 2.0
"""For others who write."""

PAUSE_S = 0.002


def writable(path: Path) -> sqlite3.Connection:
    """Open the file for appending, from any thread; where there is none, make it.

    Its place must be `locked`.

    Raises:
        SetupError: It or its folder can't be written, or it is something else.
    """
    with _plain_errors(path):
        if not path.exists():
            _make(path)
        check_is_file(path)
        if not os.access(path, os.W_OK):  # SQLite would open it for reading
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        connection = _connected(path, "rw")
        try:
            _recognise(path, connection)
            with connection:
                connection.execute("BEGIN IMMEDIATE")  # or the folder can't be written
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for reading, while others may write it.

    Raises:
        SetupError: It is missing, can't be read, or is something else.
    """
    with _plain_errors(path):
        check_is_file(path)
        with closing(_connected(path, "ro")) as connection:
            _recognise(path, connection)
            yield connection


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE_S,
        isolation_level=None,
        check_same_thread=False,
    )


def companions(path: Path) -> tuple[Path, Path]:
    """Where SQLite keeps what is not in the file yet, and what its users know of that."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes that append from the file's place: it may be moved at any time.

    Raises:
        SetupError: One holds it longer than is waited for, or there is no folder.
    """
    with _plain_errors(path):
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            latest_s = time.monotonic() + PATIENCE_S
            while not _lock(folder):
                if time.monotonic() > latest_s:
                    raise SetupError(f"another process holds {path}")
                time.sleep(PAUSE_S)
            yield
        finally:
            os.close(folder)


def _lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(path: Path) -> None:
    """Put a new file there, whole, for its owner alone."""
    for companion in companions(path):  # of one that was moved away or deleted
        companion.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".feedback-") as folder:
        new = Path(folder) / path.name
        new.touch(0o600)
        with closing(_connected(new, "rw")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # which the file remembers
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in SCHEMA:
                    connection.execute(statement)
        path.hardlink_to(new)


def _recognise(path: Path, connection: sqlite3.Connection) -> None:
    application_id, version = _identity(connection)
    if application_id != APPLICATION_ID:
        raise SetupError(f"{path} is an SQLite file of something else; name another file")
    if version != VERSION:
        raise SetupError(
            f"{path} has feedback in version {version} of its table, and this release knows "
            f"version {VERSION}; name another file"
        )


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    names = ("application_id", "user_version")
    application_id, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return application_id, version


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror
    except sqlite3.DatabaseError as error:
        reason = str(error)
    else:
        return
    raise SetupError(
        f"{path} can't be used as the file of feedback: {reason}. TAGGRAM_FEEDBACK_FILE or --file "
        "must name one that was made by this service, or a new one, in a folder that is there and "
        "can be written"
    )
