"""Tags the tracks of a source: several at a time, each file once, in batches that are kept."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import IO, Protocol
from weakref import WeakValueDictionary

from app.audio.worker.progress import BrokenDecoderError, SlowDecoderError
from app.catalogue.entries import OK, PASSING, Entry, Listing, Problem
from app.catalogue.files import UnreadableError, digest, fingerprint, open_entry
from app.catalogue.results import FileInHandError, ModelResults, Results
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow, entry_key
from app.catalogue.storage import Storage
from app.catalogue.summary import Summary
from app.domain import ModelRef, Taggram
from app.errors import Kind, RequestError, describe
from app.stages import StageClock
from app.store.manifest.manifest import Manifest
from app.tagging.tagger import Track

log = logging.getLogger(__name__)

RETRY_PAUSE_S = 1.0
"""The pause before the second attempt at a track, in which a decoder can be restarted."""

NO_EMBEDDINGS: Mapping[ModelRef, int] = {}


class Analyser(Protocol):
    """Infers the taggrams of a track; `app.tagging.tagger.Tagger` is one."""

    async def infer(
        self, track: Track, models: Sequence[Manifest], clock: StageClock
    ) -> tuple[list[Taggram], bool]:
        """Return the taggram of each model; see `Tagger.infer`."""


class Describer(Protocol):
    """Adds the descriptors of tracks; `app.catalogue.describing.TrackDescriber` is one.

    Attributes:
        summary: The counts so far.
    """

    summary: Summary

    def lacks(self, key: bytes) -> bool:
        """Return whether a track with this file, from its `entry_key`, has no descriptors."""

    async def describe(self, entry: Entry, file: File, source: IO[bytes]) -> None:
        """Add the descriptors of a track."""

    def close(self) -> None:
        """Write what is not in a file yet."""


class TaggingRun:
    """One run over a source, which continues what earlier runs have left."""

    def __init__(
        self,
        analyser: Analyser,
        models: Sequence[Manifest],
        out: Storage,
        *,
        workers: int,
        max_failed_share: float,
        on_progress: Callable[[Summary], None],
        embeddings: Mapping[ModelRef, int] = NO_EMBEDDINGS,
        describer: Describer | None = None,
        results: Mapping[ModelRef, Results] | None = None,
    ) -> None:
        """Read what earlier runs have written.

        Args:
            analyser: Decodes and infers.
            models: The models.
            out: The catalogue, which the caller has locked.
            workers: The most tracks that are decoded and scored at a time.
            max_failed_share: The largest share of failures of a success, within 0..1.
            on_progress: Called after each track.
            embeddings: By model, the width of the embedding that rows get.
            describer: Measures the tracks that have scores; None for no descriptors.
            results: What is known of each model; by default it is read from the catalogue.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        self._analyser = analyser
        self._models = {manifest.ref: manifest for manifest in models}
        self._workers = workers
        self._max_failed_share = max_failed_share
        self._on_progress = on_progress
        self._describer = describer
        self._results = results or {
            m.ref: ModelResults(out, ScoredTags.of(m, embeddings.get(m.ref, 0))) for m in models
        }
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._summary = Summary(0)

    async def run(self, listing: Listing) -> Summary:
        """Tag what has no valid row yet; return the counts.

        A run with too many failures ends before the last track.

        Raises:
            SetupError: A file of the catalogue can't be read or written.
        """
        begun = time.monotonic()
        self._summary = Summary(len(listing.entries) + len(listing.invalid))
        for place, (problem, detail) in listing.invalid.items():
            self._summary.fail(problem, place, detail)
        entries = iter(listing.entries)
        tasks = [asyncio.create_task(self._work(entries)) for _ in range(self._workers)]
        with ExitStack() as stack:
            for results in self._results.values():
                stack.callback(results.close)  # each of them, also if another one fails
            if self._describer:
                stack.callback(self._describer.close)
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
        self._summary.seconds = time.monotonic() - begun
        if self._describer:
            self._summary.described = self._describer.summary
        return self._summary

    async def _work(self, entries: Iterator[Entry]) -> None:
        for entry in entries:
            await self._tag(entry)
            self._on_progress(self._summary)
            if self._summary.is_hopeless(self._max_failed_share):
                return

    async def _tag(self, entry: Entry) -> None:
        """Give a track a row of each model that has none for this file."""
        try:
            mark = await asyncio.to_thread(fingerprint, entry.uri)
            key = entry_key(entry.external_id, entry.uri, mark)
            statuses = {ref: results.status(key) for ref, results in self._results.items()}
            missing = [ref for ref, status in statuses.items() if status is None]
            if not missing:
                known = [status for status in statuses.values() if status]
                self._count_known(entry, known)
                if set(known) != {OK} or not self._lacks_descriptors(key):
                    return
            with await asyncio.to_thread(open_entry, entry.uri) as source:
                file = File(mark, await asyncio.to_thread(digest, source))
                async with self._locks.setdefault(file.track_id, asyncio.Lock()):
                    is_scored = not missing or await self._add(entry, file, missing, source)
                    if is_scored and self._describer and self._describer.lacks(key):
                        await self._describer.describe(entry, file, source)
        except FileInHandError:
            self._summary.deferred.append(entry)
        except UnreadableError as error:
            outcome = Outcome(error.problem, error.detail)
            await self._write(entry, None, dict.fromkeys(self._results, outcome))
            self._summary.fail(error.problem, entry.uri, error.detail)

    async def _add(
        self, entry: Entry, file: File, missing: Sequence[ModelRef], source: IO[bytes]
    ) -> bool:
        """Write the rows of a file, inferring what no identical file has.

        Returns:
            Whether it has scores of all models.
        """
        known = await asyncio.to_thread(self._find, file.track_id, missing)
        outcomes = dict(known)
        unknown = [ref for ref in missing if ref not in outcomes]
        if unknown:
            outcomes |= await self._infer(Track(source, file.track_id), unknown)
        await self._write(entry, file, outcomes)
        self._count(entry, list(outcomes.values()), is_inferred=bool(unknown))
        return all(outcome.status == OK for outcome in outcomes.values())

    def _lacks_descriptors(self, key: bytes) -> bool:
        return self._describer is not None and self._describer.lacks(key)

    async def _infer(self, track: Track, refs: Sequence[ModelRef]) -> dict[ModelRef, Outcome]:
        """Return the outcome of each model; a problem is that of all of them."""
        models = [self._models[ref] for ref in refs]
        try:
            taggrams = await self._attempt_twice(track, models)
        except BrokenDecoderError as error:  # the file's fault, or too little memory
            outcome = Outcome(Problem.DECODER_DIED, error.detail)
        except SlowDecoderError as error:  # the file's fault, or other programs used the CPUs
            outcome = Outcome(Problem.DECODER_TIMEOUT, error.detail)
        except RequestError as error:
            outcome = Outcome(error.kind, error.detail)
        except Exception as error:  # of one track, which must not end the run
            log.exception("%s: an unexpected error", track.track_id)
            outcome = Outcome(Kind.INTERNAL_ERROR, describe(error))
        else:
            return dict(zip(refs, map(Outcome.of, taggrams), strict=True))
        return dict.fromkeys(refs, outcome)

    async def _attempt_twice(self, track: Track, models: Sequence[Manifest]) -> list[Taggram]:
        """Infer, again if a decoder died or the problem may pass.

        Raises:
            RequestError: The last attempt failed, or the file is refused.
        """
        try:
            return (await self._analyser.infer(track, models, StageClock()))[0]
        except RequestError as error:
            if error.kind not in PASSING and not isinstance(error, BrokenDecoderError):
                raise
        await asyncio.sleep(RETRY_PAUSE_S)
        return (await self._analyser.infer(track, models, StageClock()))[0]

    def _find(self, track_id: str, refs: Sequence[ModelRef]) -> dict[ModelRef, Outcome]:
        """Return the outcomes of an identical file that are known."""
        found = {ref: self._results[ref].find(track_id) for ref in refs}
        return {ref: outcome for ref, outcome in found.items() if outcome}

    async def _write(
        self, entry: Entry, file: File | None, outcomes: Mapping[ModelRef, Outcome]
    ) -> None:
        """Add rows in a thread: an object store may take seconds, in which others go on."""
        for ref, outcome in outcomes.items():
            row = TrackRow(entry, file, outcome, datetime.now(UTC))
            await asyncio.to_thread(self._results[ref].add, row)

    def _count(self, entry: Entry, outcomes: Sequence[Outcome], *, is_inferred: bool) -> None:
        for outcome in outcomes:
            if outcome.status != OK:
                self._summary.fail(outcome.status, entry.uri, outcome.detail)
                return
        if is_inferred:
            self._summary.inferred += 1
            self._summary.audio_s += outcomes[0].duration_s or 0.0
        else:
            self._summary.shared += 1

    def _count_known(self, entry: Entry, statuses: Iterable[str]) -> None:
        for status in statuses:
            if status != OK:
                self._summary.fail(status, entry.uri, "found by an earlier run")
                return
        self._summary.known += 1
