"""The composition root: builds the object graph from `Settings`, and closes it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.access.gate import Gate
from app.audio.limits import AudioLimits
from app.audio.processes import Decoder
from app.cache.base import TaggramCache
from app.cache.memory import MemoryCache
from app.cache.redis import RedisCache
from app.cache.seal import Seal
from app.catalogue import read_lexicon
from app.domain import ModelRef
from app.errors import Kind, RequestError, SetupError
from app.headroom import own_headroom
from app.inference.batcher import Batcher, BatchLimits
from app.inference.engine import Engine
from app.inference.listener import Listener
from app.inference.melgrams import Framing
from app.key_derivation import derive_key
from app.metrics import Metrics
from app.settings import Settings
from app.store.manifest import Manifest
from app.tagging.admission import Admission, AdmissionLimits
from app.tagging.lexicon import Lexicon
from app.tagging.tagger import Tagger

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Serving:
    """Loaded models and what asks them; replaced as a whole.

    Attributes:
        lexicon: The models and the vocabularies.
        engines: What runs each model.
        tagger: The use cases.
    """

    lexicon: Lexicon
    engines: Mapping[ModelRef, Engine]
    tagger: Tagger


class Services:
    """Everything that answers a request. Construct it before TensorFlow is imported."""

    def __init__(self, settings: Settings) -> None:
        """Check what can be checked at once, and start the decoder.

        Raises:
            SetupError: A manifest, a vocabulary, a model's weights or the API keys are wrong or
                missing.
        """
        self.settings = settings
        self.metrics = Metrics()
        self._published = read_lexicon(settings)
        self.admission = Admission(
            AdmissionLimits(
                settings.max_in_flight,
                settings.max_backlog_s,
                settings.max_duration_s,
                settings.min_free_bytes,
            ),
            own_headroom(),
            self.metrics,
        )
        self._cache = _cache(settings, self.metrics)
        self.gate = Gate(
            settings, self._cache.breaker if isinstance(self._cache, RedisCache) else None
        )
        self._batcher = Batcher(batch_limits(settings), self.metrics)
        self._decoder = Decoder(
            AudioLimits(
                self._sample_rate,
                settings.min_duration_s,
                settings.max_duration_s,
                settings.accept_m4a,
            ),
            settings.decode_workers,
            settings.decode_timeout_s,
        )
        self._listener = Listener(self._decoder, self._batcher)
        self._serving: Serving | None = None
        self._replacing = asyncio.Lock()

    def load(self) -> None:
        """Load, check and warm up the models; takes seconds, so call it off the event loop.

        Raises:
            SetupError: A model is not what its manifest says.
        """
        self._serve(self._published)

    async def reload(self) -> None:
        """Read the store and the vocabularies anew; what serves goes on until that went well.

        Raises:
            RequestError: `not_ready`, or `reload_refused` where something is wrong with them; then
                what served before serves on.
        """
        _ = self.serving  # or not ready
        async with self._replacing:
            try:
                await asyncio.to_thread(self._replace)
            except Exception as error:
                # Whatever it is: the old models are whole, and serve.
                log.exception("the models were not replaced")
                raise RequestError(
                    Kind.RELOAD_REFUSED, f"What served before serves on: {error}"
                ) from error

    @property
    def lexicon(self) -> Lexicon:
        """The models and vocabularies that serve, or soon will."""
        return self._serving.lexicon if self._serving else self._published

    @property
    def engines(self) -> Mapping[ModelRef, Engine]:
        """What runs the models; none until `load` is done."""
        return self._serving.engines if self._serving else {}

    @property
    def serving(self) -> Serving:
        """What answers; take it once a request.

        Raises:
            RequestError: `not_ready` until `load` is done.
        """
        if self._serving is None:
            raise RequestError(Kind.NOT_READY, "The models are being loaded. Try again soon.")
        return self._serving

    @property
    def is_stuck(self) -> bool:
        """Whether a model hangs, so that only a new process helps."""
        return self._batcher.is_stuck

    async def close(self) -> None:
        """Give back what the services hold."""
        await self._listener.close()
        await self.gate.close()
        await self._cache.close()

    @property
    def _sample_rate(self) -> int:
        return self._published.models[0].front_end.sample_rate  # the others hear as it does

    def _replace(self) -> None:
        lexicon = read_lexicon(self.settings)
        rate = lexicon.models[0].front_end.sample_rate
        if rate != self._sample_rate:
            raise SetupError(
                f"{lexicon.models[0].ref} hears {rate} Hz, the models that serve "
                f"{self._sample_rate} Hz; restart the service"
            )
        self._serve(lexicon)

    def _serve(self, lexicon: Lexicon) -> None:
        engines = self._engines(lexicon.models)
        tagger = Tagger(self._listener, engines, self._cache, self.metrics)
        self._serving = Serving(lexicon, engines, tagger)
        self.metrics.models_loaded(
            (manifest.ref, manifest.weights.sha256, engine.backend, engine.precision)
            for manifest in lexicon.models
            for engine in (engines[manifest.ref],)
        )
        log.info("ready: %s", ", ".join(str(ref) for ref in engines))

    def _engines(self, models: Sequence[Manifest]) -> dict[ModelRef, Engine]:
        """What runs each model: those that serve already, unchanged, and new ones."""
        # TensorFlow takes seconds to import, and no command but this needs it.
        from app.inference.selection import Wish, choose
        from app.inference.tensorflow_melgrams import TensorFlowMelgrams

        served = self._serving
        known = served.lexicon.models if served else ()
        kept = {
            manifest.ref: self.engines[manifest.ref] for manifest in known if manifest in models
        }
        first = models[0]  # the others hear as it does
        framing = Framing(first.front, first.window_frames, first.hop_frames)
        shared = [engine.melgrams for engine in kept.values()]
        melgrams = shared[0] if shared else TensorFlowMelgrams(framing)
        wish = Wish(self.settings.engine, self.settings.precision)
        return {
            manifest.ref: kept.get(manifest.ref)
            or choose(self.settings.model_store, manifest, melgrams, wish)
            for manifest in models
        }


def batch_limits(settings: Settings) -> BatchLimits:
    """How batches are made; one that takes longer than anybody waits hangs."""
    return BatchLimits(
        settings.max_batch_windows,
        settings.max_wait_ms / 1000,
        settings.max_queued_windows,
        settings.deadline_s,
    )


def _cache(settings: Settings, metrics: Metrics) -> TaggramCache:
    if settings.redis_url is None:
        return MemoryCache(settings.cache_bytes, settings.cache_ttl_s)
    if settings.secret is None:
        raise SetupError(
            "TAGGRAM_REDIS_URL needs TAGGRAM_SECRET too, which signs what is kept there; "
            "`openssl rand -hex 32` makes one, the same for all replicas"
        )
    return RedisCache(
        settings.redis_url,
        Seal(derive_key(settings.secret, "taggrams")),
        metrics,
        timeout_s=settings.redis_timeout_s,
        ttl_s=settings.cache_ttl_s,
        max_duration_s=settings.max_duration_s,
    )
