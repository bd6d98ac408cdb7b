"""The composition root: builds the object graph from `Settings`, and closes it."""

import logging
from collections.abc import Mapping

from app.audio.limits import AudioLimits
from app.audio.processes import Decoder
from app.cache.base import TaggramCache
from app.cache.memory import MemoryCache
from app.cache.redis import RedisCache
from app.domain import ModelRef
from app.errors import Kind, ManifestError, RequestError, WeightsError
from app.inference.batcher import Batcher, BatchLimits
from app.inference.engine import Engine
from app.inference.listener import Listener
from app.inference.melgrams import Framing
from app.metrics import Metrics
from app.settings import Settings
from app.store.manifest import Manifest, read_store
from app.store.weights import BRING_WEIGHTS, WeightsState, weights_state
from app.tagging.admission import Admission
from app.tagging.lexicon import Lexicon
from app.tagging.tagger import Tagger
from app.tagging.vocabulary_file import read_vocabularies

log = logging.getLogger(__name__)


class Services:
    """Everything that answers a request. Construct it before TensorFlow is imported."""

    def __init__(self, settings: Settings) -> None:
        """Check what can be checked at once, and start the decoder.

        Raises:
            SetupError: A manifest, a vocabulary or a model's weights are wrong or missing.
        """
        published = read_store(settings.model_store)
        models = tuple(_published(name, published, settings) for name in settings.models)
        self.settings = settings
        self.metrics = Metrics()
        self.lexicon = Lexicon(
            models, read_vocabularies(settings.vocabulary_files, _families(published))
        )
        self.admission = Admission(settings.max_in_flight, self.metrics)
        self._cache = _cache(settings, self.metrics)
        self._batcher = Batcher(
            BatchLimits(
                settings.max_batch_windows,
                settings.max_wait_ms / 1000,
                settings.max_queued_windows,
            ),
            self.metrics,
        )
        self._decoder = Decoder(
            AudioLimits(
                models[0].front_end.sample_rate, settings.min_duration_s, settings.max_duration_s
            ),
            settings.decode_workers,
            settings.decode_timeout_s,
        )
        self.engines: dict[ModelRef, Engine] = {}
        self._listener: Listener | None = None
        self._tagger: Tagger | None = None

    def load(self) -> None:
        """Load, check and warm up the models; takes seconds, so call it off the event loop.

        Raises:
            SetupError: A model is not what its manifest says.
        """
        # TensorFlow takes seconds to import, and no command but this needs it.
        from app.inference.selection import Wish, choose
        from app.inference.tensorflow_melgrams import TensorFlowMelgrams

        models = self.lexicon.models
        first = models[0]  # the others hear as it does
        melgrams = TensorFlowMelgrams(Framing(first.front, first.window_frames, first.hop_frames))
        wish = Wish(self.settings.engine, self.settings.precision)
        engines = {
            manifest.ref: choose(self.settings.model_store, manifest, melgrams, wish)
            for manifest in models
        }
        self.engines = engines
        self._listener = Listener(self._decoder, melgrams, self._batcher)
        self._tagger = Tagger(self._listener, engines, self._cache, self.metrics)
        for manifest in models:
            engine = engines[manifest.ref]
            self.metrics.model_loaded(
                manifest.ref, manifest.weights.sha256, engine.backend, engine.precision
            )
        log.info("ready: %s", ", ".join(str(ref) for ref in engines))

    @property
    def tagger(self) -> Tagger:
        """The use cases.

        Raises:
            RequestError: `not_ready` until `load` is done.
        """
        if self._tagger is None:
            raise RequestError(Kind.NOT_READY, "The models are being loaded. Try again soon.")
        return self._tagger

    async def close(self) -> None:
        """Give back what the services hold."""
        if self._listener is not None:
            await self._listener.close()
        await self._cache.close()


def _published(name: str, published: Mapping[str, Manifest], settings: Settings) -> Manifest:
    if name not in published:
        raise ManifestError(
            f"TAGGRAM_MODELS names {name!r}, which is not published in {settings.model_store}; "
            f"there are {', '.join(sorted(published))}"
        )
    state = weights_state(settings.model_store, published[name])
    if state is not WeightsState.READY:
        raise WeightsError(f"The weights of {name} are {state}; {BRING_WEIGHTS}")
    return published[name]


def _families(published: Mapping[str, Manifest]) -> dict[str, set[str]]:
    families: dict[str, set[str]] = {}
    for manifest in published.values():
        families.setdefault(manifest.tags.family, set()).update(manifest.tags.names)
    return families


def _cache(settings: Settings, metrics: Metrics) -> TaggramCache:
    if settings.redis_url is None:
        return MemoryCache(settings.cache_bytes)
    return RedisCache(settings.redis_url, settings.redis_timeout_s, settings.cache_ttl_s, metrics)
