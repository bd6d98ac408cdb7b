"""The models in memory: at most `max_loaded`; the least recently used one is evicted."""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.domain import Backend, ModelRef, Precision
from app.errors import Kind, RequestError
from app.inference.engine import Engine
from app.metrics import Metrics
from app.store.manifest.manifest import Manifest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineSpec:
    """The backend and the precision that run a model.

    Attributes:
        backend: The library that runs it.
        precision: The arithmetic that it uses.
    """

    backend: Backend
    precision: Precision


EngineFactory = Callable[[Manifest, EngineSpec | None], Engine]
"""Loads and checks a model; with a spec, on that backend and precision."""


class EnginePool:
    """The engines of all served models.

    An inference holds a reference to its engine, so the memory of an evicted engine is freed when
    the last inference on it ends.

    Attributes:
        choices: The engine spec of each model that has been loaded.
    """

    def __init__(
        self, models: Sequence[Manifest], make: EngineFactory, max_loaded: int, metrics: Metrics
    ) -> None:
        """Create a pool without a model in memory.

        Args:
            models: All served models.
            make: Loads one; takes seconds.
            max_loaded: Most models in memory.
            metrics: Counts the models in memory.
        """
        self.choices: dict[ModelRef, EngineSpec] = {}
        self._models = {manifest.ref: manifest for manifest in models}
        self._make = make
        self._max_loaded = max_loaded
        self._metrics = metrics
        self._engines: dict[ModelRef, Engine] = {}  # the most recently used one comes last
        self._loading: dict[ModelRef, asyncio.Task[Engine]] = {}
        self._load_lock = asyncio.Lock()

    @property
    def loaded(self) -> Mapping[ModelRef, Engine]:
        """Return the engines in memory."""
        return self._engines

    def load_all(self, before: "EnginePool | None" = None) -> None:
        """Load every model once, so that none fails later; the first `max_loaded` stay.

        Takes seconds: call it off the event loop, before any other method.

        Args:
            before: The previous pool; its unchanged models are taken over.

        Raises:
            SetupError: A model does not match its manifest.
        """
        for ref, manifest in reversed(self._models.items()):
            if before is None or before._models.get(ref) != manifest:
                self._make_room()
                self._add(self._build(manifest))
                continue
            self.choices[ref] = before.choices[ref]
            # Looked up once: that pool still serves, and may evict a model at any moment.
            if engine := before.loaded.get(ref):
                self._make_room()
                self._add(engine)

    async def engine(self, ref: ModelRef) -> Engine:
        """Return the engine of a model, loading it again if it was evicted.

        Raises:
            RequestError: `engine_failed` if it can't be loaded.
        """
        if ref in self._engines:
            self._engines[ref] = self._engines.pop(ref)
            return self._engines[ref]
        if ref not in self._loading:
            self._loading[ref] = asyncio.create_task(self._load(ref))
            self._loading[ref].add_done_callback(lambda _: self._loading.pop(ref))
        # Other requests may wait for it too, so a cancelled one does not cancel the load.
        return await asyncio.shield(self._loading[ref])

    async def _load(self, ref: ModelRef) -> Engine:
        async with self._load_lock:
            self._make_room()
            try:
                engine = await asyncio.to_thread(self._build, self._models[ref])
            except Exception as error:
                # Loading may raise anything; the request needs an answer.
                log.exception("%s can't be loaded", ref)
                raise RequestError(
                    Kind.ENGINE_FAILED, f"{ref.name} can't be loaded. Try again, or another model."
                ) from error
            self._add(engine)
            return engine

    def _build(self, manifest: Manifest) -> Engine:
        gc.collect()  # Keras's graphs are reference cycles: this frees those of evicted models
        return self._make(manifest, self.choices.get(manifest.ref))

    def _make_room(self) -> None:
        while len(self._engines) >= self._max_loaded:
            least_recent = next(iter(self._engines))
            del self._engines[least_recent]
            log.info("%s is evicted from memory", least_recent)

    def _add(self, engine: Engine) -> None:
        self._engines[engine.ref] = engine
        self.choices[engine.ref] = EngineSpec(engine.backend, engine.precision)
        self._metrics.models.set_in_memory(len(self._engines))
