"""What the processes of a cluster know together: which files have rows, and which are in hand."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.catalogue.entries import Problem
from app.catalogue.results import KnownFile, ModelResults
from app.catalogue.rows import Outcome, ScoredTags
from app.catalogue.storage import open_storage
from app.domain import ModelRef

MAX_DEATHS = 2
"""A file that was being inferred when this number of processes died is not tried again."""

IN_HAND = "in hand"
"""The answer for a file that another process infers at this time."""


@dataclass(frozen=True)
class BatchStart:
    """What is known of a batch of tracks before it begins.

    Attributes:
        tags: What the rows of each model hold.
        has_died: Whether a process has died with it.
        may_have_rows: Whether some of its tracks may have rows already.
    """

    tags: tuple[ScoredTags, ...]
    has_died: bool
    may_have_rows: bool


class Registry:
    """One object for all processes of a run, in a process of its own.

    A process claims a file before it infers it, so that identical files are inferred once. A claim
    belongs to a batch of tracks and not to a process: if a process dies, its batch goes to another
    one, with its claims. If the process of the registry dies, its claims are lost, and identical
    files that are in hand at this time may be inferred twice; all else is in the catalogue.

    It answers one call at a time, so that a new track costs one call, however many models there
    are.
    """

    def __init__(self, out: str) -> None:
        """Begin without claims; the catalogue is read at the first use, also after a restart.

        Args:
            out: The catalogue: a folder, or the URL of a prefix.
        """
        self._out = out
        self._results: dict[ModelRef, ModelResults] = {}
        self._claims: dict[str, str] = {}
        self._begun: Counter[str] = Counter()
        self._batches: Counter[str] = Counter()
        self._may_have_rows = False

    def begin_batch(self, tags: Sequence[ScoredTags], batch: str) -> BatchStart:
        """Note that a process begins a batch.

        Args:
            tags: The models.
            batch: The name of the batch.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        rows = tuple(self._of(each).tags for each in tags)
        self._batches[batch] += 1
        has_died = self._batches[batch] > 1
        return BatchStart(rows, has_died, has_died or self._may_have_rows)

    def statuses(self, tags: Sequence[ScoredTags], key: bytes) -> dict[ModelRef, str]:
        """Return the status of a track with this file for each model that has a row of it."""
        found = {each.ref: self._of(each).status(key) for each in tags}
        return {ref: status for ref, status in found.items() if status is not None}

    def has_scores(self, tags: ScoredTags, external_id: str) -> bool:
        """Return whether an earlier run has scored a track; see `ModelResults.has_scores`."""
        return self._of(tags).has_scores(external_id)

    def find(
        self, tags: Sequence[ScoredTags], track_id: str, batch: str, finished: Iterable[str]
    ) -> dict[ModelRef, Outcome] | str:
        """Return the known outcomes of an identical file, and claim the file if some are missing.

        Args:
            tags: The models.
            track_id: SHA-256 of the file, in hex.
            batch: The name of the batch.
            finished: SHA-256 of files whose inference has ended since the last call.

        Returns:
            The outcomes; models without one are for this batch to infer. `IN_HAND` if another batch
            has claimed the file.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        self._finish(finished)
        found = {each.ref: self._of(each).find(track_id) for each in tags}
        known = {ref: outcome for ref, outcome in found.items() if outcome}
        if len(known) == len(found):
            return known
        if self._claims.setdefault(track_id, batch) != batch:
            return IN_HAND
        if self._begun[track_id] >= MAX_DEATHS:
            why = f"{MAX_DEATHS} processes died while they inferred it"
            return dict.fromkeys(found, Outcome(Problem.DECODER_DIED, why)) | known
        self._begun[track_id] += 1
        return known

    def end_batch(
        self, tags: ScoredTags, path: str, files: Iterable[KnownFile], finished: Iterable[str]
    ) -> None:
        """Note that the rows of a batch are in a file of the catalogue.

        Args:
            tags: The model of the rows.
            path: The file, as a path in the catalogue.
            files: See `app.catalogue.results.known_files`.
            finished: As for `find`.
        """
        self._finish(finished)
        self._of(tags).note(path, files)

    def begin_round(self) -> None:
        """Drop all claims, before the tracks that were deferred are tried again."""
        self._claims.clear()
        self._batches.clear()

    def _finish(self, track_ids: Iterable[str]) -> None:
        for track_id in track_ids:
            self._begun.pop(track_id, None)

    def _of(self, tags: ScoredTags) -> ModelResults:
        if tags.ref not in self._results:
            results = ModelResults(open_storage(self._out), tags)
            self._results[tags.ref] = results
            self._may_have_rows |= results.has_rows
        return self._results[tags.ref]
