"""The use case behind every question: whose audio, which models, what do they hear."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from app.audio.worker.work import Work
from app.cache.base import TaggramCache
from app.domain import ModelRef, Precision, Taggram, TaggramKey
from app.errors import Kind, RequestError
from app.inference.pipeline import InferencePipeline
from app.inference.pool import EnginePool
from app.metrics import Metrics
from app.stages import StageClock
from app.store.manifest.manifest import Manifest
from app.tagging.single_flight import SingleFlight


@dataclass(frozen=True)
class Track:
    """A file to hear and what identifies its audio.

    Attributes:
        file: Its bytes, in a file that may have no name.
        track_id: SHA-256 of its bytes, in hex.
        work: For whom it is heard, and what that costs.
    """

    file: IO[bytes]
    track_id: str
    work: Work = field(default_factory=Work)

    def reopened(self) -> BinaryIO:
        """The file anew, only for reading and with a place of its own in it."""
        return Path(f"/proc/self/fd/{self.file.fileno()}").open("rb")


class Tagger:
    """Hears tracks, and remembers what it heard."""

    def __init__(
        self,
        pipeline: InferencePipeline,
        pool: EnginePool,
        cache: TaggramCache,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._pipeline = pipeline
        self._cache = cache
        self._metrics = metrics
        self._single_flight: SingleFlight[TaggramKey, tuple[Taggram, StageClock]] = SingleFlight()

    async def infer(
        self, track: Track, models: Sequence[Manifest], clock: StageClock
    ) -> tuple[list[Taggram], bool]:
        """What the models hear in a track, in their order, and whether all of it was known before.

        Identical tracks that are heard at the same time are heard once.

        Raises:
            RequestError: The file can't be decoded.
        """
        known = await self._look_up(track.track_id, models)
        missing = [key for key, found in known.items() if not found]
        if any(key in self._single_flight for key in missing):
            self._metrics.upload_shared()
        if missing:
            heard = await self._single_flight.answers(missing, partial(self._listen, track, clock))
            known |= {key: taggram for key, (taggram, _) in heard.items()}
            for other in {its_clock for _, its_clock in heard.values()} - {clock}:
                clock.join(other)
        return [taggram for taggram in known.values() if taggram], not missing

    async def recall(self, track_id: str, models: Sequence[Manifest]) -> list[Taggram]:
        """What the models heard before, in their order.

        Raises:
            RequestError: `unknown_track` where one of them did not, or it is forgotten.
        """
        taggrams = []
        for key, taggram in (await self._look_up(track_id, models)).items():
            if taggram is None:
                raise RequestError(
                    Kind.UNKNOWN_TRACK,
                    f"{key.model.name} has not heard this track, or it was forgotten. "
                    "POST it to /suggest-tags with the same vocabulary and model.",
                )
            taggrams.append(taggram)
        return taggrams

    async def _look_up(
        self, track_id: str, models: Sequence[Manifest]
    ) -> dict[TaggramKey, Taggram | None]:
        """What is known, in the models' order, all asked for at once."""
        tags = {
            TaggramKey(track_id, model.ref, self._precision(model.ref)): model.tags.names
            for model in models
        }
        kept = await self._cache.get(list(tags))
        known: dict[TaggramKey, Taggram | None] = dict.fromkeys(tags)
        for key, names in tags.items():
            taggram = kept.get(key)
            if taggram is not None and taggram.scores.shape[1] == len(names):
                known[key] = taggram
            self._metrics.cache_lookup(hit=known[key] is not None)
        return known

    async def _listen(
        self, track: Track, clock: StageClock, keys: Sequence[TaggramKey]
    ) -> dict[TaggramKey, tuple[Taggram, StageClock]]:
        """Have the models hear a track, and remember it; also the clock of whoever asked first."""
        engines = [await self._pool.engine(key.model) for key in keys]
        with track.reopened() as file:  # by the end it may be closed, by who sent it
            heard = await self._pipeline.run(file, engines, clock, track.work)
        answers = {}
        for key, engine, scores in zip(keys, engines, heard.scores, strict=True):
            window_s, hop_s = engine.window_spec.window_s, engine.window_spec.hop_s
            taggram = Taggram(
                key, heard.duration_s, window_s, hop_s, scores, heard.peaks, heard.announced_s
            )
            self._metrics.heard(key.model, heard.duration_s)
            await self._cache.put(taggram)
            answers[key] = taggram, clock
        return answers

    def _precision(self, ref: ModelRef) -> Precision:
        return self._pool.choices[ref].precision
