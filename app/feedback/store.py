"""Appends feedback to an SQLite file, with a row for each tag or recommended curator.

Several processes of one machine may write the file at the same time.
"""

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.domain import Feedback, RecommendationFeedback
from app.errors import Kind, RequestError, SetupError
from app.feedback.appending import FeedbackFile
from app.feedback.file import locked
from app.feedback.rows import Append, append_of

log = logging.getLogger(__name__)

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

    async def keep(self, feedback: Feedback | RecommendationFeedback) -> bool:
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
            return await loop.run_in_executor(self._thread, self._keep, append_of(feedback))
        except (sqlite3.DatabaseError, SetupError) as error:
            log.error("feedback can't be stored: %s", error)
            raise _overloaded() from error
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish pending writes and close the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._file.close()

    def _keep(self, append: Append) -> bool:
        with locked(self._path):
            if not self._file.is_in_place:
                self._file.reopen()
                log.warning("the feedback file was moved or deleted; a new one is written")
            is_new = self._append(append)
            if not self._file.is_in_place:
                raise SetupError("the file was moved or deleted during the write")
            return is_new

    def _append(self, append: Append) -> bool:
        connection = self._file.connection
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute(append.find, append.common).fetchone() is not None:
                return False
            now = self._now()
            rows = ({**append.common, "given_at": now, **row} for row in append.rows)
            connection.executemany(append.insert, rows)
        return True

    def _now(self) -> str:
        found = self._file.connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
        now: str = found.fetchone()[0]
        return now


def _overloaded() -> RequestError:
    return RequestError(
        Kind.OVERLOADED, "The feedback can't be stored now. Send it again in a moment."
    )
