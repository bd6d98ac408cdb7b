"""Appends feedback to an SQLite file, with a row for each tag.

Several processes of one machine may write the file at the same time.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.domain import Feedback
from app.errors import Kind, RequestError, SetupError
from app.feedback.appending import FeedbackFile
from app.feedback.file import locked

log = logging.getLogger(__name__)

INSERT = """
INSERT INTO feedback VALUES (
    :feedback_id, :given_at, :track_id, :models, :vocabulary, :vocabulary_version, :pooling,
    :confidence, :tag, :rank, :score, :verdict
)
"""

MAX_WAITING = 30
"""Writes that may wait. If each waits `LOCK_TIMEOUT_S` for a lock, the last one waits a minute."""


class FeedbackStore:
    """The open feedback file, and the single thread that writes it."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it, readable by its owner only.

        Raises:
            SetupError: The file or its folder can't be written, or it is not a feedback file.
        """
        self._path = path
        self._file = FeedbackFile(path)
        self._thread = ThreadPoolExecutor(1, "feedback")
        self._waiting = 0

    async def keep(self, feedback: Feedback) -> bool:
        """Store feedback in one transaction; return False if its id was stored before.

        Raises:
            RequestError: `overloaded` if the file can't be written now, or was moved or deleted and
                can't be created again.
        """
        if self._waiting >= MAX_WAITING:
            raise _overloaded()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._keep, feedback)
        except (sqlite3.DatabaseError, SetupError) as error:
            log.error("feedback can't be stored: %s", error)
            raise _overloaded() from error
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish pending writes and close the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._file.close()

    def _keep(self, feedback: Feedback) -> bool:
        with locked(self._path):
            if not self._file.is_in_place:
                self._file.reopen()
                log.warning("the feedback file was moved or deleted; a new one is written")
            is_new = self._append(feedback)
            if not self._file.is_in_place:
                raise SetupError("the file was moved or deleted during the write")
            return is_new

    def _append(self, feedback: Feedback) -> bool:
        connection = self._file.connection
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if self._is_kept(feedback):
                return False
            connection.executemany(INSERT, _rows(feedback, self._now()))
        return True

    def _is_kept(self, feedback: Feedback) -> bool:
        found = self._file.connection.execute(
            "SELECT 1 FROM feedback WHERE feedback_id = ? LIMIT 1", [str(feedback.id)]
        )
        return found.fetchone() is not None

    def _now(self) -> str:
        found = self._file.connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
        now: str = found.fetchone()[0]
        return now


def _overloaded() -> RequestError:
    return RequestError(
        Kind.OVERLOADED, "The feedback can't be stored now. Send it again in a moment."
    )


def _rows(feedback: Feedback, given_at: str) -> Iterator[dict[str, object]]:
    """Yield a row for each tag: first those shown, in order, then those added."""
    common = {
        "feedback_id": str(feedback.id),
        "given_at": given_at,
        "track_id": feedback.track_id,
        "models": " ".join(str(model) for model in feedback.models),
        "vocabulary": feedback.vocabulary,
        "vocabulary_version": feedback.vocabulary_version,
        "pooling": feedback.pooling,
        "confidence": feedback.confidence,
    }
    for rank, shown in enumerate(feedback.shown, 1):
        verdict = "accepted" if shown.accepted else "rejected"
        yield {**common, "tag": shown.tag, "rank": rank, "score": shown.score, "verdict": verdict}
    for tag in feedback.added:
        yield {**common, "tag": tag, "rank": None, "score": None, "verdict": "added"}
