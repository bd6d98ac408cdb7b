"""Computes and caches the taggrams of a track."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from app.audio.worker.progress import BrokenDecoderError, SlowDecoderError
from app.audio.worker.work import Work
from app.cache.base import TaggramCache
from app.domain import Precision, Taggram, TaggramKey
from app.errors import Kind, RequestError
from app.inference.pipeline import InferencePipeline
from app.inference.pool import EnginePool
from app.metrics import Metrics
from app.stages import StageClock
from app.store.manifest.manifest import Manifest
from app.tagging.single_flight import SingleFlight


@dataclass(frozen=True)
class Track:
    """An audio file to analyse.

    Attributes:
        file: The file, which may have no name.
        track_id: SHA-256 of its bytes, in hex.
        work: The client that sent it, and the cost of its analysis.
    """

    file: IO[bytes]
    track_id: str
    work: Work = field(default_factory=Work)

    def reopened(self) -> BinaryIO:
        """Open the file again for reading, with a separate position."""
        return Path(f"/proc/self/fd/{self.file.fileno()}").open("rb")


class Tagger:
    """Analyses tracks, and caches their taggrams."""

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
        """Return the taggrams of a track, from the cache or by inference.

        Identical tracks that are analysed at the same time are analysed once.

        Args:
            track: The track.
            models: The models to use.
            clock: Measures the stages of the analysis.

        Returns:
            The taggram of each model, in the models' order, and whether all came from the cache.

        Raises:
            RequestError: The file can't be decoded, an inference fails, or the service is
                overloaded.
            OSError: The machine has not enough memory for the samples.
        """
        known = await self._look_up([track.track_id], models)
        missing = [key for key, found in known.items() if not found]
        if any(key in self._single_flight for key in missing):
            self._metrics.upload_shared()
        if missing:
            new = await self._single_flight.get(missing, partial(self._analyse, track, clock))
            known |= {key: taggram for key, (taggram, _) in new.items()}
            for other in {its_clock for _, its_clock in new.values()} - {clock}:
                clock.join(other)
        return [taggram for taggram in known.values() if taggram], not missing

    async def recall(self, track_id: str, models: Sequence[Manifest]) -> list[Taggram]:
        """Return the cached taggrams of a track, in the models' order.

        Raises:
            RequestError: `unknown_track` if the cache lacks the taggram of a model.
        """
        taggrams = []
        for key, taggram in (await self._look_up([track_id], models)).items():
            if taggram is None:
                raise RequestError(
                    Kind.UNKNOWN_TRACK,
                    f"The cache has no scores of {key.model.name} for this track. POST the track "
                    "to /suggest-tags with the same vocabulary and model.",
                )
            taggrams.append(taggram)
        return taggrams

    async def find(
        self, track_ids: Sequence[str], models: Sequence[Manifest]
    ) -> dict[str, list[Taggram]]:
        """Return the cached taggrams of tracks, in the models' order, by track.

        Tracks of which the cache lacks the taggram of a model are left out.
        """
        found: dict[str, list[Taggram]] = {}
        for key, taggram in (await self._look_up(track_ids, models)).items():
            if taggram is not None:
                found.setdefault(key.track_id, []).append(taggram)
        return {
            track: taggrams for track, taggrams in found.items() if len(taggrams) == len(models)
        }

    async def _look_up(
        self, track_ids: Sequence[str], models: Sequence[Manifest]
    ) -> dict[TaggramKey, Taggram | None]:
        """Look up the taggrams of all models at once, in their order; None for a miss."""
        tags = {
            TaggramKey(track_id, model.ref, self._precision(model)): model.tags.names
            for track_id in track_ids
            for model in models
        }
        cached = await self._cache.get(list(tags))
        known: dict[TaggramKey, Taggram | None] = dict.fromkeys(tags)
        for key, names in tags.items():
            taggram = cached.get(key)
            if taggram is not None and taggram.scores.shape[1] == len(names):
                known[key] = taggram
            self._metrics.cache_lookup(hit=known[key] is not None)
        return known

    async def _analyse(
        self, track: Track, clock: StageClock, keys: Sequence[TaggramKey]
    ) -> dict[TaggramKey, tuple[Taggram, StageClock]]:
        """Analyse a track and cache the taggrams; return each with the clock of this analysis."""
        engines = [await self._pool.engine(key.model) for key in keys]
        needed = dict.fromkeys(engine.backbone for engine in engines if engine.backbone)
        backbones = {ref: await self._pool.engine(ref) for ref in needed}
        try:
            with track.reopened() as file:  # the request that sent it may close it before the end
                result = await self._pipeline.run(file, engines, clock, track.work, backbones)
        except BrokenDecoderError:
            self._metrics.decoder_failure("died")
            raise
        except SlowDecoderError:
            self._metrics.decoder_failure("timeout")
            raise
        taggrams = {}
        for key, engine, scores, last_s, embedding in zip(
            keys, engines, result.scores, result.last_s, result.embeddings, strict=True
        ):
            window_s, hop_s = engine.window_spec.window_s, engine.window_spec.hop_s
            taggram = Taggram(
                *(key, result.duration_s, window_s, hop_s, scores, result.peaks),
                *(result.announced_s, last_s, embedding),
            )
            self._metrics.count_audio(key.model, result.duration_s)
            await self._cache.put(taggram)
            taggrams[key] = taggram, clock
        return taggrams

    def _precision(self, model: Manifest) -> Precision:
        """Return the precision of a model; of a head that of its backbone, which matters more."""
        return self._pool.choices[model.backbone or model.ref].precision
