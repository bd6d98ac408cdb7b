"""The composition root: creates all services from `Settings`, and closes them."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.access.authenticator import Authenticator
from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.cache.base import TaggramCache
from app.cache.memory import MemoryCache
from app.cache.redis import RedisCache
from app.cache.redis_stamps import RedisStamps
from app.cache.signer import Signer
from app.domain import ModelRef
from app.engine_factory import make_engine_factory
from app.errors import Kind, RequestError, SetupError, describe
from app.feedback.store import FeedbackStore
from app.headroom import find_headroom
from app.inference.batcher import Batcher, BatchLimits
from app.inference.pipeline import InferencePipeline
from app.inference.pool import EngineFactory, EnginePool, EngineSpec
from app.key_derivation import derive_key
from app.metrics import Metrics
from app.model_catalog import read_catalog
from app.settings import Settings
from app.tagging.admission import Admission, AdmissionLimits
from app.tagging.catalog import ModelCatalog
from app.tagging.pictures import Pictures
from app.tagging.tagger import Tagger
from app.tagging.turn_thread import QueueLimits, TurnThread

if TYPE_CHECKING:
    from app.catalogue.append import CatalogueAppender
    from app.recommender.serving.served import Recommenders

log = logging.getLogger(__name__)

RECOMMENDING = QueueLimits(waiting=64, of_client=32, first_s=0.01)
"""A backend is one client for all of its artists."""


@dataclass(frozen=True)
class Runtime:
    """The loaded models and the objects that use them; a reload replaces it as a whole.

    Attributes:
        catalog: The models and the vocabularies.
        pool: The engines of the models.
        tagger: Computes and caches taggrams.
        recommenders: The recommenders of curators; None if the settings name none.
    """

    catalog: ModelCatalog
    pool: EnginePool
    tagger: Tagger
    recommenders: "Recommenders | None"


class Services:
    """All objects that routes use. Create it before TensorFlow is imported."""

    def __init__(
        self,
        settings: Settings,
        load_engine: EngineFactory | None = None,
        *,
        with_embeddings: bool = False,
        with_recommenders: bool = False,
    ) -> None:
        """Check the configuration and start the decoder, without loading models.

        Args:
            settings: The settings.
            load_engine: Loads a model; by default from the store, on the fastest engine available.
            with_embeddings: Whether taggrams have embeddings.
            with_recommenders: Whether to load the recommenders of the settings.

        Raises:
            SetupError: A manifest, a vocabulary, a model's weights, the API keys or the feedback
                file are invalid or missing, or files can't be decoded in confined processes.
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
            find_headroom(),
            self.metrics,
        )
        self._cache = _cache(settings, self.metrics)
        self.authenticator = Authenticator(settings, _shared(settings, self._cache))
        self.feedback = FeedbackStore(settings.feedback_file) if settings.feedback_file else None
        self.appender: CatalogueAppender | None = None
        self.pictures = Pictures()
        self.recommending = TurnThread("recommendations", RECOMMENDING)
        self._batcher = Batcher(make_batch_limits(settings), self.metrics)
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
        self._runtime: Runtime | None = None
        self._replacing = asyncio.Lock()
        self._load_engine = load_engine
        self._with_embeddings = with_embeddings
        self._with_recommenders = with_recommenders
        self._building = threading.Lock()

    def load(self) -> None:
        """Load, verify and warm up the models and recommenders.

        This takes seconds: call it in a thread.

        Raises:
            SetupError: A model or recommender does not match its manifest, or they do not fit.
        """
        self._activate(self._published)

    def open_catalogue(self) -> None:
        """Append what requests infer to the catalogue of the settings, if they name one.

        Raises:
            SetupError: It can't be written.
        """
        if self.settings.catalogue is None:
            return
        # Imported here, as pyarrow takes long to import.
        from app.catalogue.append import CatalogueAppender
        from app.catalogue.storage import open_storage

        self.appender = CatalogueAppender(open_storage(self.settings.catalogue), self.metrics)

    async def reload(self) -> None:
        """Read the store and the vocabularies again; the current ones stay until that succeeds.

        Raises:
            RequestError: `not_ready`, or `reload_refused` if they are invalid; the current ones
                then stay in use.
        """
        _ = self.runtime  # raises `not_ready`
        async with self._replacing:
            try:
                await asyncio.to_thread(self._replace)
            except Exception as error:
                # After any error the current models are intact and stay in use.
                log.exception("the models were not replaced")
                self.metrics.models.count_reload("refused")
                raise RequestError(
                    Kind.RELOAD_REFUSED,
                    f"The current models stay in use, as the new ones failed: {describe(error)}",
                ) from error
            self.metrics.models.count_reload("replaced")

    @property
    def catalog(self) -> ModelCatalog:
        """Return the models and vocabularies in use, or to be used once they are loaded."""
        return self._runtime.catalog if self._runtime else self._published

    @property
    def choices(self) -> Mapping[ModelRef, EngineSpec]:
        """Return the engine of each model; empty until `load` is done."""
        return self._runtime.pool.choices if self._runtime else {}

    def is_in_memory(self, ref: ModelRef) -> bool:
        """Return whether a model is in memory."""
        return self._runtime is not None and ref in self._runtime.pool.loaded

    @property
    def runtime(self) -> Runtime:
        """Return the runtime in use; take it only once for each request.

        Raises:
            RequestError: `not_ready` until `load` is done.
        """
        if self._runtime is None:
            raise RequestError(Kind.NOT_READY, "The models are being loaded. Try again soon.")
        return self._runtime

    @property
    def is_stuck(self) -> bool:
        """Return whether a model hangs, so that the process must be replaced."""
        return self._batcher.is_stuck

    async def close(self) -> None:
        """Close all services."""
        await self._pipeline.close()
        await self.pictures.close()
        await self.recommending.close()
        if self.feedback:
            await self.feedback.close()
        if self.appender:
            await self.appender.close()
        await self._cache.close()

    def _replace(self) -> None:
        self._activate(read_catalog(self.settings))

    def _activate(self, catalog: ModelCatalog) -> None:
        recommenders = _recommenders(self.settings, catalog) if self._with_recommenders else None
        previous = self._runtime.pool if self._runtime else None
        factory = self._load_engine or make_engine_factory(
            self.settings, self._building, self.metrics, with_embeddings=self._with_embeddings
        )
        models = tuple({m.ref: m for m in (*catalog.models, *catalog.backbones)}.values())
        pool = EnginePool(models, factory, self.settings.max_loaded_models, self.metrics)
        pool.load_all(previous)
        tagger = Tagger(self._pipeline, pool, self._cache, self.metrics)
        self.admission.channels = max(manifest.front_end.channels for manifest in models)
        self.metrics.models.list_loaded(
            (manifest.ref, manifest.weights.sha256, choice.backend, choice.precision)
            for manifest in models
            for choice in (pool.choices[manifest.ref],)
        )
        _expect_predictions(self.metrics, catalog)
        self._runtime = Runtime(catalog, pool, tagger, recommenders)
        loaded = [*pool.choices, *(recommenders.refs if recommenders else ())]
        log.info("ready: %s", ", ".join(map(str, loaded)))


def _expect_predictions(metrics: Metrics, catalog: ModelCatalog) -> None:
    """Start the counts of all tags of the vocabularies that the loaded models know."""
    projections = {
        name: catalog.projection(name, None)
        for name in catalog.vocabularies
        if catalog.models_for(name)
    }
    metrics.predictions.clear()
    for name, projection in projections.items():
        refs = [manifest.ref for manifest in projection.models]
        metrics.predictions.expect(name, refs, [row.name for row in projection.rows])


def make_batch_limits(settings: Settings) -> BatchLimits:
    """Return the limits of batches; a batch that exceeds the deadline counts as hanging."""
    return BatchLimits(
        settings.max_batch_windows,
        settings.max_wait_ms / 1000,
        settings.max_queued_windows,
        settings.deadline_s,
    )


def _recommenders(settings: Settings, catalog: ModelCatalog) -> "Recommenders | None":
    """Return the recommenders that the settings name, if any.

    Raises:
        SetupError: One is missing, invalid, or does not fit the models.
    """
    if settings.recommender is None and settings.recommender_candidate is None:
        return None
    # Imported here, as most services recommend nothing, and SciPy takes long to import.
    from app.recommender.serving.load import load_recommenders

    return load_recommenders(settings, catalog)


def _shared(settings: Settings, cache: TaggramCache) -> RedisStamps | None:
    """Return the time stamps with which replicas count calls together, if there is a Redis."""
    if isinstance(cache, RedisCache) and settings.secret is not None:
        return cache.stamps(Signer(derive_key(settings.secret, "rates")))
    return None


def _cache(settings: Settings, metrics: Metrics) -> TaggramCache:
    if settings.redis_url is None:
        return MemoryCache(settings.cache_bytes, settings.cache_ttl_s)
    if settings.secret is None:
        raise SetupError(
            "TAGGRAM_REDIS_URL is set, but not TAGGRAM_SECRET, which signs the values in Redis; "
            "create one with `openssl rand -hex 32`, and use it in all replicas"
        )
    return RedisCache(
        settings.redis_url,
        Signer(derive_key(settings.secret, "taggrams")),
        metrics,
        timeout_s=settings.redis_timeout_s,
        ttl_s=settings.cache_ttl_s,
        max_duration_s=settings.max_duration_s,
    )
