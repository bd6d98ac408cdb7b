"""The rows of one model: those of earlier runs, and those of the batch in hand."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from app.catalogue.entries import PASSING
from app.catalogue.latest import remove_superseded
from app.catalogue.rows import Outcome, ScoredTags, TrackRow, entry_key
from app.catalogue.storage import Storage
from app.catalogue.tables import read_index, read_outcome, write_batch

BATCH_ROWS = 256
"""The most rows that a kill loses."""

BATCH_S = 60.0
"""The longest time for which a row is not in a file, in seconds, while others follow."""


@dataclass(frozen=True)
class KnownFile:
    """A file of a track whose outcome is final.

    Attributes:
        key: See `app.catalogue.rows.entry_key`.
        track_id: SHA-256 of the file, in hex.
        status: The status of its row.
    """

    key: bytes
    track_id: str
    status: str


class FileInHandError(Exception):
    """Another process infers an identical file at this time."""


class Results(Protocol):
    """What is known of one model, and where new rows go."""

    def status(self, key: bytes) -> str | None:
        """Return the status of a track with this file, from its `entry_key`, if it has a row."""

    def find(self, track_id: str) -> Outcome | None:
        """Return the outcome of an identical file, if it is known.

        Raises:
            FileInHandError: It will be known soon.
        """

    def add(self, row: TrackRow) -> None:
        """Add a row."""

    def close(self) -> None:
        """Write what is in hand."""


class ModelResults:
    """What is known of one model, so that no file is inferred twice.

    In memory it needs some 300 bytes a track: keys, not rows.
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
        self._batch: list[TrackRow] = []
        self._since = 0.0
        for path, row in read_index(out, tags.ref):
            if row["track_id"] and row["status"] not in PASSING:
                key = entry_key(row["external_id"], row["uri"], row["fingerprint"])
                self._statuses[key] = row["status"]
                self._places[bytes.fromhex(row["track_id"])] = path

    def status(self, key: bytes) -> str | None:
        """Return the status of a track with this file, from its `entry_key`, if it has a row."""
        return self._statuses.get(key)

    def find(self, track_id: str) -> Outcome | None:
        """Return the outcome of an identical file, if it is known.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        for row in self._batch:
            if row.file and row.file.track_id == track_id and row.outcome.status not in PASSING:
                return row.outcome
        path = self._places.get(bytes.fromhex(track_id))
        return read_outcome(self._out, path, track_id) if path else None

    def add(self, row: TrackRow) -> None:
        """Add a row to the batch in hand, which is written once it is large or old.

        Raises:
            SetupError: It can't be written.
        """
        if not self._batch:
            self._since = self._clock()
        self._batch.append(row)
        if len(self._batch) >= BATCH_ROWS or self._clock() - self._since >= BATCH_S:
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
        if not self._batch:
            return
        path = write_batch(self._out, self._tags, self._batch)
        self.note(path, known_files(self._batch))
        self._batch = []

    def note(self, path: str, files: Iterable[KnownFile]) -> None:
        """Note which files of tracks have rows in a file of the catalogue."""
        for file in files:
            self._statuses[file.key] = file.status
            self._places[bytes.fromhex(file.track_id)] = path


def known_files(rows: Iterable[TrackRow]) -> list[KnownFile]:
    """Return what no later run needs to do again."""
    return [
        KnownFile(
            entry_key(row.entry.external_id, row.entry.uri, row.file.fingerprint),
            row.file.track_id,
            row.outcome.status,
        )
        for row in rows
        if row.file and row.outcome.status not in PASSING
    ]
