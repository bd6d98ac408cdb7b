"""What the processes of a cluster know together: which files have rows, and which are in hand."""

from collections import Counter
from collections.abc import Iterable

from app.catalogue.entries import Problem
from app.catalogue.results import KnownFile, ModelResults
from app.catalogue.rows import Outcome, ScoredTags
from app.catalogue.storage import open_storage
from app.domain import ModelRef

MAX_DEATHS = 2
"""A file that was being inferred when this number of processes died is not tried again."""

IN_HAND = "in hand"
"""The answer for a file that another process infers at this time."""


class Registry:
    """One object for all processes of a run, in a process of its own.

    A process claims a file before it infers it, so that identical files are inferred once. A claim
    belongs to a batch of tracks and not to a process: if a process dies, its batch goes to another
    one, with its claims. If the process of the registry dies, its claims are lost, and identical
    files that are in hand at this time may be inferred twice; all else is in the catalogue.
    """

    def __init__(self, out: str) -> None:
        """Begin without claims; the catalogue is read at the first use, also after a restart.

        Args:
            out: The catalogue: a folder, or the URL of a prefix.
        """
        self._out = out
        self._results: dict[ModelRef, ModelResults] = {}
        self._claims: dict[tuple[ModelRef, str], str] = {}
        self._begun: Counter[tuple[ModelRef, str]] = Counter()
        self._batches: Counter[str] = Counter()

    def begin_batch(self, batch: str) -> bool:
        """Return whether a process has died with a batch that begins now."""
        self._batches[batch] += 1
        return self._batches[batch] > 1

    def status(self, tags: ScoredTags, key: bytes) -> str | None:
        """Return the status of a track with this file; see `ModelResults.status`.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        return self._of(tags).status(key)

    def has_scores(self, tags: ScoredTags, external_id: str) -> bool:
        """Return whether an earlier run has scored a track; see `ModelResults.has_scores`."""
        return self._of(tags).has_scores(external_id)

    def find(self, tags: ScoredTags, track_id: str, batch: str) -> Outcome | str | None:
        """Return the outcome of an identical file, or claim the file for a batch.

        Returns:
            The outcome if it is known; `IN_HAND` if another batch has claimed the file; None if
            this batch shall infer it, and then call `finish`.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        if outcome := self._of(tags).find(track_id):
            return outcome
        file = tags.ref, track_id
        if self._claims.setdefault(file, batch) != batch:
            return IN_HAND
        if self._begun[file] >= MAX_DEATHS:
            why = f"{MAX_DEATHS} processes died while they inferred it"
            return Outcome(Problem.DECODER_DIED, why)
        self._begun[file] += 1
        return None

    def finish(self, ref: ModelRef, track_id: str) -> None:
        """Note that the inference of a file has ended, whatever its outcome."""
        self._begun.pop((ref, track_id), None)

    def end_batch(
        self, tags: ScoredTags, batch: str, path: str, files: Iterable[KnownFile]
    ) -> None:
        """Note that the rows of a batch are in a file of the catalogue."""
        self._of(tags).note(path, files)
        self._batches.pop(batch, None)

    def begin_round(self) -> None:
        """Drop all claims, before the tracks that were deferred are tried again."""
        self._claims.clear()
        self._batches.clear()

    def _of(self, tags: ScoredTags) -> ModelResults:
        if tags.ref not in self._results:
            self._results[tags.ref] = ModelResults(open_storage(self._out), tags)
        return self._results[tags.ref]
