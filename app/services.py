"""The composition root: builds the object graph from `Settings`, and closes it."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

from app.access.authenticator import Authenticator
from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.cache.base import TaggramCache
from app.cache.memory import MemoryCache
from app.cache.redis import RedisCache, RedisStamps
from app.cache.signer import Signer
from app.domain import ModelRef
from app.errors import Kind, RequestError, SetupError, describe
from app.feedback.store import FeedbackStore
from app.front_ends import FrontEnd
from app.headroom import own_headroom
from app.inference.batcher import Batcher, BatchLimits
from app.inference.engine import Engine
from app.inference.pipeline import InferencePipeline
from app.inference.pool import EngineFactory, EnginePool, EngineSpec
from app.key_derivation import derive_key
from app.metrics import Metrics
from app.model_catalog import read_catalog
from app.settings import Settings
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store
from app.tagging.admission import Admission, AdmissionLimits
from app.tagging.catalog import ModelCatalog
from app.tagging.pictures import Pictures
from app.tagging.tagger import Tagger

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runtime:
    """Loaded models and what asks them; replaced as a whole.

    Attributes:
        catalog: The models and the vocabularies.
        pool: What runs the models.
        tagger: The use cases.
    """

    catalog: ModelCatalog
    pool: EnginePool
    tagger: Tagger


class Services:
    """Everything that answers a request. Construct it before TensorFlow is imported."""

    def __init__(self, settings: Settings, load_engine: EngineFactory | None = None) -> None:
        """Check what can be checked at once, and start the decoder.

        Args:
            settings: All that an operator can set.
            load_engine: Loads a model; by default from the store, on the fastest engine here.

        Raises:
            SetupError: A manifest, a vocabulary, a model's weights, the API keys or the file of
                feedback are wrong or missing.
        """
        self.settings = settings
        self.metrics = Metrics()
        self._published = read_catalog(settings)
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
        self.authenticator = Authenticator(settings, _shared(settings, self._cache))
        self.feedback = FeedbackStore(settings.feedback_file) if settings.feedback_file else None
        self.pictures = Pictures()
        self._batcher = Batcher(batch_limits(settings), self.metrics)
        self._decoder = Decoder(
            AudioLimits(
                self._published.models[0].front_end.sample_rate,
                settings.min_duration_s,
                settings.max_duration_s,
                settings.decoders,
            ),
            settings.decode_workers,
            settings.decode_timeout_s,
        )
        self._pipeline = InferencePipeline(self._decoder, self._batcher)
        self._serving: Runtime | None = None
        self._replacing = asyncio.Lock()
        self._load_engine = load_engine
        self._building = threading.Lock()

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
        _ = self.runtime  # or not ready
        async with self._replacing:
            try:
                await asyncio.to_thread(self._replace)
            except Exception as error:
                # Whatever it is: the old models are whole, and serve.
                log.exception("the models were not replaced")
                raise RequestError(
                    Kind.RELOAD_REFUSED, f"What served before serves on: {describe(error)}"
                ) from error

    @property
    def catalog(self) -> ModelCatalog:
        """The models and vocabularies that serve, or soon will."""
        return self._serving.catalog if self._serving else self._published

    @property
    def choices(self) -> Mapping[ModelRef, EngineSpec]:
        """What runs each model; nothing is known until `load` is done."""
        return self._serving.pool.choices if self._serving else {}

    def is_in_memory(self, ref: ModelRef) -> bool:
        """Whether a model answers without being loaded first."""
        return self._serving is not None and ref in self._serving.pool.loaded

    @property
    def runtime(self) -> Runtime:
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
        await self._pipeline.close()
        await self.pictures.close()
        if self.feedback:
            await self.feedback.close()
        await self._cache.close()

    def _replace(self) -> None:
        self._serve(read_catalog(self.settings))

    def _serve(self, catalog: ModelCatalog) -> None:
        before = self._serving.pool if self._serving else None
        make = self._load_engine or _maker(self.settings, self._building)
        pool = EnginePool(catalog.models, make, self.settings.max_loaded_models, self.metrics)
        pool.load_all(before)
        tagger = Tagger(self._pipeline, pool, self._cache, self.metrics)
        self._serving = Runtime(catalog, pool, tagger)
        self.metrics.models_loaded(
            (manifest.ref, manifest.weights.sha256, choice.backend, choice.precision)
            for manifest in catalog.models
            for choice in (pool.choices[manifest.ref],)
        )
        log.info("ready: %s", ", ".join(str(ref) for ref in pool.choices))


def _maker(settings: Settings, building: threading.Lock) -> EngineFactory:
    """What loads models; those that share a front end share what computes it.

    Args:
        settings: Where they lie, and on what they are to run.
        building: Held meanwhile, as Keras has one policy for all threads: models that replace
            others are built while those may be loaded again.
    """
    # TensorFlow takes seconds to import, and no command but this needs it.
    from app.inference.selection import EnginePreference, choose
    from app.inference.tensorflow_features import TensorFlowFeatureExtractor

    store = Store(settings.model_store)
    extractors: WeakValueDictionary[FrontEnd, TensorFlowFeatureExtractor] = WeakValueDictionary()

    def make(manifest: Manifest, choice: EngineSpec | None) -> Engine:
        preference = EnginePreference(settings.engine, settings.precision)
        if choice:
            preference = EnginePreference(choice.backend.value, choice.precision.value)
        with building:
            front = manifest.front_end
            extractor = extractors.get(front) or TensorFlowFeatureExtractor(front)
            extractors[front] = extractor
            return choose(store, manifest, extractor, preference)

    return make


def batch_limits(settings: Settings) -> BatchLimits:
    """How batches are made; one that takes longer than anybody waits hangs."""
    return BatchLimits(
        settings.max_batch_windows,
        settings.max_wait_ms / 1000,
        settings.max_queued_windows,
        settings.deadline_s,
    )


def _shared(settings: Settings, cache: TaggramCache) -> RedisStamps | None:
    """Where replicas count calls together, if there is a Redis."""
    if isinstance(cache, RedisCache) and settings.secret is not None:
        return cache.stamps(Signer(derive_key(settings.secret, "rates")))
    return None


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
        Signer(derive_key(settings.secret, "taggrams")),
        metrics,
        timeout_s=settings.redis_timeout_s,
        ttl_s=settings.cache_ttl_s,
        max_duration_s=settings.max_duration_s,
    )
