"""Appends what the service infers to a catalogue: from a queue, by a separate thread."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from cachetools import LRUCache

from app.catalogue.entries import UPLOAD, Entry
from app.catalogue.results import BATCH_ROWS, BATCH_S
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow
from app.catalogue.storage import Storage
from app.catalogue.tables import TRACKS, new_file_name, write_batch
from app.domain import ModelRef, Taggram
from app.errors import describe
from app.metrics import Metrics
from app.store.manifest.manifest import Manifest

log = logging.getLogger(__name__)

MAX_WAITING_ROWS = 10_000
"""Rows that wait for a disk that is slow or full: about 10 MB. Further ones are dropped."""

RECENT_ROWS = 16_384
"""Rows that are not appended again if the same file is uploaded again."""

CLOSE_S = 5.0
"""The longest wait at the end until the last batch is written, in seconds."""


class CatalogueAppender:
    """The queue of rows, and the thread that writes them.

    A file is written once it has `BATCH_ROWS` rows, or after `BATCH_S`. What can't be written stays
    in the queue for the next attempt.
    """

    def __init__(self, out: Storage, metrics: Metrics, interval_s: float = BATCH_S) -> None:
        """Start the thread.

        Args:
            out: The catalogue, which other processes may write at the same time.
            metrics: Counts rows and failures.
            interval_s: The time between two files, in seconds, if there are few rows.

        Raises:
            SetupError: It can't be written.
        """
        probe = f"{TRACKS}/.{new_file_name()}"
        with out.write(probe):
            pass
        out.remove(probe)
        self._out = out
        self._metrics = metrics
        self._interval_s = interval_s
        self._changed = threading.Condition()
        self._waiting: dict[ScoredTags, list[TrackRow]] = {}
        self._recent: LRUCache[tuple[str, ModelRef], None] = LRUCache(RECENT_ROWS)
        self._dropped = 0
        self._is_closed = self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="catalogue", daemon=True)
        self._thread.start()

    def add(self, taggrams: Sequence[Taggram], models: Sequence[Manifest]) -> None:
        """Add the rows of an upload to the queue, without waiting and without errors.

        Args:
            taggrams: The taggram of each model.
            models: The models, in the same order.
        """
        with self._changed:
            for taggram, model in zip(taggrams, models, strict=True):
                self._add(taggram, ScoredTags.of(model))
            if self._is_batch_full:
                self._changed.notify()

    async def close(self) -> None:
        """Write what is in the queue; what can't be written in time is lost, and logged."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join, CLOSE_S)
        with self._changed:
            self._drop(sum(map(len, self._waiting.values())))
            self._report_dropped()

    def _add(self, taggram: Taggram, tags: ScoredTags) -> None:
        key = taggram.key.track_id, tags.ref
        if key in self._recent:
            return
        if self._is_closed or sum(map(len, self._waiting.values())) >= MAX_WAITING_ROWS:
            self._drop(1)
            return
        self._recent[key] = None
        self._waiting.setdefault(tags, []).append(_row(taggram))

    @property
    def _is_batch_full(self) -> bool:
        return any(len(rows) >= BATCH_ROWS for rows in self._waiting.values())

    def _run(self) -> None:
        """Write batches until the end, and then what is left."""
        is_last = False
        while not is_last:
            with self._changed:
                self._changed.wait_for(self._is_due, self._interval_s)
                is_last = self._is_closed
                batches = [(tags, list(rows)) for tags, rows in self._waiting.items()]
                self._report_dropped()
            written = [self._write(tags, rows) for tags, rows in batches]
            self._is_failing = not all(written)

    def _is_due(self) -> bool:
        """Return whether to write before the interval is over; not at once after a failure."""
        return self._is_closed or (self._is_batch_full and not self._is_failing)

    def _write(self, tags: ScoredTags, rows: list[TrackRow]) -> bool:
        """Write rows of one model and remove them from the queue; return False if that failed."""
        try:
            write_batch(self._out, tags, rows)
        except Exception as error:  # noqa: BLE001 - any error; the thread must continue
            log.error("%d rows of %s can't be appended: %s", len(rows), tags.ref, describe(error))
            self._metrics.catalogue_failure()
            return False
        self._metrics.catalogue_rows("appended", len(rows))
        with self._changed:
            del self._waiting[tags][: len(rows)]
            if not self._waiting[tags]:
                del self._waiting[tags]
        return True

    def _drop(self, rows: int) -> None:
        self._dropped += rows
        self._metrics.catalogue_rows("dropped", rows)

    def _report_dropped(self) -> None:
        if self._dropped:
            log.error("%d rows were dropped, as they could not be written in time", self._dropped)
            self._dropped = 0


def _row(taggram: Taggram) -> TrackRow:
    """Return the row of an upload: its only id is the SHA-256 of the file."""
    track_id = taggram.key.track_id
    entry = Entry(track_id, f"{UPLOAD}{track_id}")
    return TrackRow(entry, File(track_id, track_id), Outcome.of(taggram), datetime.now(UTC))
