"""Creates, opens and checks the SQLite file of feedback."""

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
"""Identifies the application in the header of an SQLite file."""

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
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)

LOCK_TIMEOUT_S = 2.0
"""The longest wait for other processes that write."""

RETRY_INTERVAL_S = 0.002


def open_writable(path: Path) -> sqlite3.Connection:
    """Open the file for appending, from any thread; create it if it does not exist.

    The path must be `locked`.

    Raises:
        SetupError: The file or its folder can't be written, or it is not a feedback file.
    """
    with _setup_errors(path):
        if not path.exists():
            _create(path)
        check_is_file(path)
        if not os.access(path, os.W_OK):  # SQLite would open it read-only without an error
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        connection = _connect(path, "rw")
        try:
            _check_identity(path, connection)
            with connection:
                connection.execute("BEGIN IMMEDIATE")  # fails if the folder can't be written
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def open_readable(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for reading, while other processes may write it.

    Raises:
        SetupError: The file is missing, can't be read, or is not a feedback file.
    """
    with _setup_errors(path):
        check_is_file(path)
        with closing(_connect(path, "ro")) as connection:
            _check_identity(path, connection)
            yield connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=LOCK_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def auxiliary_files(path: Path) -> tuple[Path, Path]:
    """Return the paths of SQLite's write-ahead log and its shared-memory index."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file's folder against other processes that append: the file itself may be moved.

    Raises:
        SetupError: Another process holds the lock for too long, or the folder does not exist.
    """
    with _setup_errors(path):
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            latest_s = time.monotonic() + LOCK_TIMEOUT_S
            while not _try_lock(folder):
                if time.monotonic() > latest_s:
                    raise SetupError(f"another process locks {path}; stop it, or try again later")
                time.sleep(RETRY_INTERVAL_S)
            yield
        finally:
            os.close(folder)


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _create(path: Path) -> None:
    """Create the file atomically, readable by its owner only."""
    for auxiliary in auxiliary_files(path):  # left by a file that was moved or deleted
        auxiliary.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".feedback-") as folder:
        new = Path(folder) / path.name
        new.touch(0o600)
        with closing(_connect(new, "rw")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # stored in the file
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in SCHEMA:
                    connection.execute(statement)
        path.hardlink_to(new)


def _check_identity(path: Path, connection: sqlite3.Connection) -> None:
    application_id, version = _identity(connection)
    if application_id != APPLICATION_ID:
        raise SetupError(f"{path} is an SQLite file of another application; name another file")
    if version != VERSION:
        raise SetupError(
            f"{path} has version {version} of the feedback table, and this release reads version "
            f"{VERSION}; name another file"
        )


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    names = ("application_id", "user_version")
    application_id, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return application_id, version


@contextmanager
def _setup_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror
    except sqlite3.DatabaseError as error:
        reason = str(error)
    else:
        return
    raise SetupError(
        f"{path} can't be used as the feedback file: {reason}. TAGGRAM_FEEDBACK_FILE or --file "
        "must name a feedback file of this service, or a new file in an existing folder that can "
        "be written"
    )
