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

VERSION = 2
"""Files of version 1 have no outcomes."""

FEEDBACK = """
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
"""

OUTCOMES = """
    CREATE TABLE outcomes (
        feedback_id TEXT NOT NULL,
        given_at TEXT NOT NULL,
        recommendation_id TEXT NOT NULL,
        recommender TEXT NOT NULL,
        artist_id TEXT NOT NULL,
        curator_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        propensity REAL NOT NULL,
        outcome TEXT NOT NULL
            CHECK (outcome IN ('sent', 'declined', 'feedback', 'agreed', 'shared')),
        track_id TEXT,
        PRIMARY KEY (feedback_id, curator_id)
    ) STRICT
"""

SET_VERSION = f"PRAGMA user_version = {VERSION}"

SCHEMA = (FEEDBACK, OUTCOMES, f"PRAGMA application_id = {APPLICATION_ID}", SET_VERSION)

UPGRADE = (OUTCOMES, SET_VERSION)
"""What makes a file of version 1 one of this version."""

LOCK_TIMEOUT_S = 2.0
"""The longest wait for other processes that write."""

RETRY_INTERVAL_S = 0.002


def open_writable(path: Path) -> sqlite3.Connection:
    """Open the file for appending, from any thread; create it if it does not exist.

    A file of an earlier release is upgraded. The path must be `locked`.

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
            version = _check_version(path, connection)
            with connection:
                connection.execute("BEGIN IMMEDIATE")  # fails if the folder can't be written
                for statement in UPGRADE if version < VERSION else ():
                    connection.execute(statement)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def open_readable(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for reading, while other processes may write it.

    A file of an earlier release is left as it is, and read as one without outcomes.

    Raises:
        SetupError: The file is missing, can't be read, or is not a feedback file.
    """
    with _setup_errors(path):
        check_is_file(path)
        with closing(_connect(path, "ro")) as connection:
            if _check_version(path, connection) < VERSION:
                connection.execute(OUTCOMES.replace("TABLE", "TEMP TABLE"))
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


def _check_version(path: Path, connection: sqlite3.Connection) -> int:
    """Return the version of the file's tables.

    Raises:
        SetupError: It is not a feedback file, or one of a later release.
    """
    application_id, version = _identity(connection)
    if application_id != APPLICATION_ID:
        raise SetupError(f"{path} is an SQLite file of another application; name another file")
    if not 1 <= version <= VERSION:
        raise SetupError(
            f"{path} has version {version} of the feedback tables, and this release reads "
            f"versions 1 to {VERSION}; name another file, or use the release that wrote it"
        )
    return version


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
