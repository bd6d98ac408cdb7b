"""Feedback in an SQLite file that only grows: a row for each tag.

Several processes of one machine may write it at the same time.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from app.domain import Feedback
from app.errors import Kind, RequestError, SetupError

log = logging.getLogger(__name__)

APPLICATION_ID = int.from_bytes(b"tagf")
"""Which SQLite keeps in the file's header: whose it is."""

VERSION = 1

SCHEMA = f"""
BEGIN IMMEDIATE;
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
) STRICT;
CREATE TRIGGER feedback_is_not_changed BEFORE UPDATE ON feedback
BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
CREATE TRIGGER feedback_is_not_deleted BEFORE DELETE ON feedback
BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""

INSERT = """
INSERT INTO feedback VALUES (
    :feedback_id, :given_at, :track_id, :models, :vocabulary, :vocabulary_version, :pooling,
    :confidence, :tag, :rank, :score, :verdict
)
"""

PATIENCE_S = 5.0
"""For others who write."""


class FeedbackStore:
    """Keeps feedback."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, for its owner alone.

        Raises:
            SetupError: It can't be written, or is not a file of feedback.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise SetupError(f"{path} can't be written: {error.strerror}") from error
        self._connection = opened(path, is_new_allowed=True)
        self._thread = ThreadPoolExecutor(1, "feedback")

    async def keep(self, feedback: Feedback) -> bool:
        """Keep it on the disk; False where it was kept before.

        Raises:
            RequestError: `overloaded` where the file can't grow just now.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._keep, feedback)

    async def close(self) -> None:
        """Finish what is being written."""
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()

    def _keep(self, feedback: Feedback) -> bool:
        rows = list(_rows(feedback, datetime.now(UTC)))
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                if self._is_kept(feedback):
                    return False
                self._connection.executemany(INSERT, rows)
        except sqlite3.DatabaseError as error:
            log.error("feedback can't be kept: %s", error)
            raise RequestError(
                Kind.OVERLOADED, "The feedback can't be kept just now. Send it again in a moment."
            ) from error
        return True

    def _is_kept(self, feedback: Feedback) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM feedback WHERE feedback_id = ? LIMIT 1", [str(feedback.id)]
        )
        return found.fetchone() is not None


def opened(path: Path, *, is_new_allowed: bool = False) -> sqlite3.Connection:
    """Open a file of feedback.

    Args:
        path: Where it is.
        is_new_allowed: Whether an empty one is made a file of feedback.

    Raises:
        SetupError: It is missing, or something else.
    """
    mode = "rw" if is_new_allowed else "ro"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
        )
        if is_new_allowed:
            _set_up(connection)
        found = tuple(_pragma(connection, name) for name in ("application_id", "user_version"))
    except sqlite3.DatabaseError as error:
        raise SetupError(f"{path} can't be read as a file of feedback: {error}") from error
    if found != (APPLICATION_ID, VERSION):
        connection.close()
        raise SetupError(f"{path} is not a file of feedback of this release. Name another one.")
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    with closing(connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")) as found:
        is_empty = found.fetchone() is None
    if is_empty and not _pragma(connection, "application_id"):
        try:
            connection.executescript(SCHEMA)
        except sqlite3.OperationalError:
            # Another process was first; what it made is looked at like any other.
            if connection.in_transaction:
                connection.rollback()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _rows(feedback: Feedback, now: datetime) -> Iterator[dict[str, object]]:
    """A row for each tag."""
    said = {
        "feedback_id": str(feedback.id),
        "given_at": now.isoformat(timespec="milliseconds"),
        "track_id": feedback.track_id,
        "models": " ".join(str(model) for model in feedback.models),
        "vocabulary": feedback.vocabulary,
        "vocabulary_version": feedback.vocabulary_version,
        "pooling": str(feedback.pooling),
        "confidence": str(feedback.confidence),
    }
    for rank, shown in enumerate(feedback.shown, 1):
        verdict = "accepted" if shown.accepted else "rejected"
        yield {**said, "tag": shown.tag, "rank": rank, "score": shown.score, "verdict": verdict}
    for tag in feedback.added:
        yield {**said, "tag": tag, "rank": None, "score": None, "verdict": "added"}
