"""The use case behind every question: whose audio, which models, what do they hear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.audio.processes import Decoder
from app.cache.base import TaggramCache
from app.domain import ModelRef, Taggram, TaggramKey, Waveform
from app.errors import Kind, RequestError
from app.inference.engine import Engine
from app.inference.queue import InferenceQueue
from app.metrics import Metrics
from app.stages import Stage, StageClock
from app.store.manifest import Manifest


@dataclass(frozen=True)
class Track:
    """A file to hear and what identifies its audio.

    Attributes:
        path: Where it lies for now.
        track_id: SHA-256 of its bytes, in hex.
    """

    path: Path
    track_id: str


class Tagger:
    """Hears tracks, and remembers what it heard."""

    def __init__(
        self,
        decoder: Decoder,
        queue: InferenceQueue,
        engines: Mapping[ModelRef, Engine],
        cache: TaggramCache,
        metrics: Metrics,
    ) -> None:
        self._decoder = decoder
        self._queue = queue
        self._engines = engines
        self._cache = cache
        self._metrics = metrics

    async def hear(
        self, track: Track, models: Sequence[Manifest], clock: StageClock
    ) -> tuple[list[Taggram], bool]:
        """What the models hear in a track, in their order, and whether all of it was known before.

        Raises:
            RequestError: The file can't be decoded.
        """
        known = [await self._look_up(track.track_id, model) for model in models]
        if all(known):
            return [taggram for taggram in known if taggram], True
        with clock.stage(Stage.DECODE):
            waveform = await self._decoder.decode(track.path)
        taggrams = [
            taggram or await self._listen(track.track_id, waveform, model, clock)
            for taggram, model in zip(known, models, strict=True)
        ]
        return taggrams, False

    async def recall(self, track_id: str, models: Sequence[Manifest]) -> list[Taggram]:
        """What the models heard before, in their order.

        Raises:
            RequestError: `unknown_track` where one of them did not, or it is forgotten.
        """
        taggrams = []
        for model in models:
            taggram = await self._look_up(track_id, model)
            if taggram is None:
                raise RequestError(
                    Kind.UNKNOWN_TRACK,
                    f"{model.name} has not heard this track, or it was forgotten. "
                    "POST it to /suggest-tags with the same vocabulary and model.",
                )
            taggrams.append(taggram)
        return taggrams

    async def _look_up(self, track_id: str, model: Manifest) -> Taggram | None:
        taggram = await self._cache.get(TaggramKey(track_id, model.ref))
        if taggram is not None and taggram.scores.shape[1] != len(model.tags.names):
            taggram = None  # somebody else's, under our name
        self._metrics.cache_lookup(hit=taggram is not None)
        return taggram

    async def _listen(
        self, track_id: str, waveform: Waveform, model: Manifest, clock: StageClock
    ) -> Taggram:
        scores = await self._queue.scores(self._engines[model.ref], waveform, clock)
        taggram = Taggram(
            TaggramKey(track_id, model.ref),
            waveform.duration_s,
            model.window.window_s,
            model.window.hop_s,
            scores,
        )
        self._metrics.heard(model.ref, waveform.duration_s, len(scores))
        await self._cache.put(taggram)
        return taggram
