"""The rows of one model: those of earlier runs, and those of the batch in hand."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.catalogue.entries import OK, PASSING
from app.catalogue.latest import latest_times, remove_superseded, take_latest
from app.catalogue.rows import Outcome, ScoredTags, TrackRow, entry_key
from app.catalogue.storage import Storage
from app.catalogue.tables import (
    INDEX,
    read_batches,
    read_outcome,
    stored_embedding,
    write_batch,
)
from app.errors import SetupError

BATCH_ROWS = 256
"""The most rows that a kill loses."""

BATCH_S = 60.0
"""The longest time for which a row is not in a file, in seconds, while others follow."""


class ModelResults:
    """What is known of one model, so that no file is inferred twice. Several threads may use it.

    In memory it needs some 400 bytes a track: keys, not rows.
    """

    def __init__(
        self, out: Storage, tags: ScoredTags, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read which tracks have rows.

        Args:
            out: The catalogue.
            tags: The model.
            clock: Returns the time in seconds.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        self._out = out
        self._tags = tags
        self._clock = clock
        self._statuses: dict[bytes, str] = {}
        self._places: dict[bytes, str] = {}
        self._scored: set[bytes] = set()
        self._batch: list[TrackRow] = []
        self._claimed = 0  # the first rows of the batch, which a thread writes
        self._since = 0.0  # when the first of the others was added
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        latest = latest_times(out, tags.ref)
        for path, table in read_batches(out, tags.ref, INDEX):
            width = stored_embedding(table)
            if width not in {0, self._tags.embedding} and tags.embedding:
                raise SetupError(
                    f"{out.where(path)}: its embeddings have {width} numbers, those of {tags.ref} "
                    f"now have {tags.embedding}; write another catalogue"
                )
            self._tags = replace(tags, embedding=max(width, self._tags.embedding))
            if width or not tags.embedding:  # rows without embeddings are made again
                self._note_rows(path, take_latest(table, latest).to_pylist())

    def _note_rows(self, path: str, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            if row["track_id"] and row["status"] not in PASSING:
                key = entry_key(row["external_id"], row["uri"], row["fingerprint"])
                self._statuses[key] = row["status"]
                self._places[bytes.fromhex(row["track_id"])] = path
            if row["status"] == OK:
                self._scored.add(entry_key(row["external_id"]))

    def status(self, key: bytes) -> str | None:
        """Return the status of a track with this file, from its `entry_key`, if it has a row."""
        return self._statuses.get(key)

    def find(self, track_id: str) -> Outcome | None:
        """Return the outcome of an identical file, if it is known.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        with self._lock:
            for row in self._batch:
                if row.file and row.file.track_id == track_id and row.outcome.status not in PASSING:
                    return row.outcome
            path = self._places.get(bytes.fromhex(track_id))
        return read_outcome(self._out, path, track_id) if path else None

    def add(self, row: TrackRow) -> None:
        """Add a row to the batch in hand, which is written once it is large or old.

        A track whose file can't be read keeps its scores, so that a server that is down for an hour
        costs none.

        Raises:
            SetupError: It can't be written.
        """
        if row.file is None and entry_key(row.entry.external_id) in self._scored:
            return
        with self._lock:
            if len(self._batch) == self._claimed:
                self._since = self._clock()
            self._batch.append(row)
            is_due = (
                len(self._batch) - self._claimed >= BATCH_ROWS
                or self._clock() - self._since >= BATCH_S
            )
            if is_due:  # this thread writes, and the others go on
                self._claimed = len(self._batch)
        if is_due:
            self.flush()

    def close(self) -> None:
        """Write the batch in hand, and remove rows that later ones replace.

        Raises:
            SetupError: A file can't be read or written.
        """
        self.flush()
        remove_superseded(self._out, self._tags.ref)

    def flush(self) -> None:
        """Write the batch in hand.

        Raises:
            SetupError: It can't be written; the batch stays in hand.
        """
        with self._writing:
            with self._lock:
                rows = list(self._batch)  # other threads find these, and add to them
            if not rows:
                return
            path = write_batch(self._out, self._tags, rows)
            with self._lock:
                self._note_batch(path, rows)
                del self._batch[: len(rows)]
                self._claimed = max(0, self._claimed - len(rows))

    def _note_batch(self, path: str, rows: Iterable[TrackRow]) -> None:
        for row in rows:
            if row.file and row.outcome.status not in PASSING:
                key = entry_key(row.entry.external_id, row.entry.uri, row.file.fingerprint)
                self._statuses[key] = row.outcome.status
                self._places[bytes.fromhex(row.file.track_id)] = path
