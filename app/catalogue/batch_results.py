"""The rows of one batch of tracks in one process of a cluster; the registry knows the others."""

import threading
from collections.abc import Sequence

from app.catalogue.entries import PASSING
from app.catalogue.registry import BatchStart, Registry
from app.catalogue.results import FileInHandError, known_files
from app.catalogue.rows import Outcome, ScoredTags, TrackRow
from app.catalogue.storage import Storage
from app.catalogue.tables import write_batch
from app.domain import ModelRef


class BatchView:
    """What the registry says about the tracks of a batch, asked once for all models.

    Several threads may use it, for different tracks.
    """

    def __init__(self, registry: Registry, tags: Sequence[ScoredTags], name: str) -> None:
        """Begin the batch.

        Args:
            registry: The registry of the run.
            tags: The models.
            name: The name of the batch, by which the registry knows it if it is started again.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        self.registry = registry
        self.start: BatchStart = registry.begin_batch(tags, name)
        self._tags = self.start.tags
        self._name = name
        self._statuses: dict[bytes, dict[ModelRef, str]] = {}
        self._found: dict[str, dict[ModelRef, Outcome] | str] = {}
        self._finished: list[str] = []
        self._lock = threading.Lock()

    def status(self, ref: ModelRef, key: bytes) -> str | None:
        """Return the status of a track with this file, if it has a row."""
        if not self.start.may_have_rows:
            return None
        if key not in self._statuses:
            self._statuses[key] = self.registry.statuses(self._tags, key)
        return self._statuses[key].get(ref)

    def find(self, ref: ModelRef, track_id: str) -> Outcome | None:
        """Return the outcome of an identical file, or claim the file.

        Raises:
            FileInHandError: Another process infers an identical file.
        """
        if track_id not in self._found:
            self._found[track_id] = self.registry.find(
                self._tags, track_id, self._name, self.take_finished()
            )
        found = self._found[track_id]
        if isinstance(found, str):
            raise FileInHandError
        return found.get(ref)

    def finish(self, track_id: str) -> None:
        """Note that the inference of a file has ended; the next call says so to the registry."""
        with self._lock:
            self._finished.append(track_id)

    def take_finished(self) -> list[str]:
        """Return the files that were finished since the last call."""
        with self._lock:
            finished, self._finished = self._finished, []
        return finished


class BatchResults:
    """The rows of one model. Several threads may use them, for different tracks."""

    def __init__(self, out: Storage, tags: ScoredTags, view: BatchView) -> None:
        """Begin without rows."""
        self._out = out
        self._tags = tags
        self._view = view
        self._rows: list[TrackRow] = []

    def status(self, key: bytes) -> str | None:
        """Return the status of a track with this file; see `ModelResults.status`."""
        return self._view.status(self._tags.ref, key)

    def find(self, track_id: str) -> Outcome | None:
        """Return the outcome of an identical file, or claim the file; see `Registry.find`.

        Raises:
            FileInHandError: Another process infers an identical file.
        """
        for row in self._rows:
            if row.file and row.file.track_id == track_id and row.outcome.status not in PASSING:
                return row.outcome
        return self._view.find(self._tags.ref, track_id)

    def add(self, row: TrackRow) -> None:
        """Add a row; a track whose file can't be read keeps the scores that it has."""
        if row.file:
            self._view.finish(row.file.track_id)
        elif self._view.registry.has_scores(self._tags, row.entry.external_id):
            return
        self._rows.append(row)

    def close(self) -> None:
        """Write the rows to a new file.

        Raises:
            SetupError: It can't be written.
        """
        if self._rows:
            path = write_batch(self._out, self._tags, self._rows)
            self._view.registry.end_batch(
                self._tags, path, known_files(self._rows), self._view.take_finished()
            )
