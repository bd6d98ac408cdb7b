"""Keeps feedback: in an SQLite file that only grows, a row for each tag.

Several processes of one machine may write it at the same time.
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

MOST_WAITING = 30
"""Where each waits as long as it may for a file that is locked, the last one waits a minute."""


class FeedbackStore:
    """The file while it is open, and the one thread that writes it."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, for its owner alone.

        Raises:
            SetupError: It or its folder can't be written, or it is something else.
        """
        self._path = path
        self._file = FeedbackFile(path)
        self._thread = ThreadPoolExecutor(1, "feedback")
        self._waiting = 0

    async def keep(self, feedback: Feedback) -> bool:
        """Keep it on the disk, whole; False where it was kept before.

        Raises:
            RequestError: `overloaded` where the file can't grow just now, or was moved away or
                deleted and no new one can be made.
        """
        if self._waiting >= MOST_WAITING:
            raise _later()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._keep, feedback)
        except (sqlite3.DatabaseError, SetupError) as error:
            log.error("feedback can't be kept: %s", error)
            raise _later() from error
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish what is being written."""
        await asyncio.to_thread(self._thread.shutdown)
        self._file.close()

    def _keep(self, feedback: Feedback) -> bool:
        with locked(self._path):
            if not self._file.is_in_place:
                self._file.follow()
                log.warning("the file of feedback was moved or deleted; a new one is written")
            is_new = self._append(feedback)
            if not self._file.is_in_place:
                raise SetupError("the file was moved or deleted while it was written")
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


def _later() -> RequestError:
    return RequestError(
        Kind.OVERLOADED, "The feedback can't be kept just now. Send it again in a moment."
    )


def _rows(feedback: Feedback, given_at: str) -> Iterator[dict[str, object]]:
    """A row for each tag: those shown in their order, then those added."""
    said = {
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
        yield {**said, "tag": shown.tag, "rank": rank, "score": shown.score, "verdict": verdict}
    for tag in feedback.added:
        yield {**said, "tag": tag, "rank": None, "score": None, "verdict": "added"}
