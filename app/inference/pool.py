"""Models in memory: at most so many; the one that was not asked for longest gives way."""

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
    """What runs a model.

    Attributes:
        backend: What computes it.
        precision: In which arithmetic.
    """

    backend: Backend
    precision: Precision


EngineFactory = Callable[[Manifest, EngineSpec | None], Engine]
"""Loads and checks a model, on what ran it before where something did."""


class EnginePool:
    """The engines of all models that can be asked.

    Whoever hears with an engine holds it: one that gives way is gone when the last of them is done.

    Attributes:
        choices: What runs each model, once it was loaded for the first time.
    """

    def __init__(
        self, models: Sequence[Manifest], make: EngineFactory, max_loaded: int, metrics: Metrics
    ) -> None:
        """Begin with none in memory.

        Args:
            models: All models that can be asked.
            make: Loads one; takes seconds.
            max_loaded: So many may be in memory.
            metrics: Where to count.
        """
        self.choices: dict[ModelRef, EngineSpec] = {}
        self._models = {manifest.ref: manifest for manifest in models}
        self._make = make
        self._max_loaded = max_loaded
        self._metrics = metrics
        self._engines: dict[ModelRef, Engine] = {}  # the one that was asked for last comes last
        self._loading: dict[ModelRef, asyncio.Task[Engine]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def loaded(self) -> Mapping[ModelRef, Engine]:
        """What is in memory."""
        return self._engines

    def load_all(self, before: "EnginePool | None" = None) -> None:
        """Load every model once, so that none fails later; the first ones stay.

        Takes seconds, so call it off the event loop, before anything else.

        Args:
            before: Takes over from this pool what is unchanged.

        Raises:
            SetupError: A model is not what its manifest says.
        """
        for ref, manifest in reversed(self._models.items()):
            if before is None or before._models.get(ref) != manifest:
                self._make_room()
                self._keep(self._made(manifest))
                continue
            self.choices[ref] = before.choices[ref]
            # Looked up once: that pool serves meanwhile, and may let a model go at any moment.
            if engine := before.loaded.get(ref):
                self._make_room()
                self._keep(engine)

    async def engine(self, ref: ModelRef) -> Engine:
        """A model's engine, loaded where it gave way before.

        Raises:
            RequestError: `engine_failed` where it can't be loaded any more.
        """
        if ref in self._engines:
            self._engines[ref] = self._engines.pop(ref)
            return self._engines[ref]
        if ref not in self._loading:
            self._loading[ref] = asyncio.create_task(self._load(ref))
            self._loading[ref].add_done_callback(lambda _: self._loading.pop(ref))
        # Others may wait for it too, and half a load is of no use to anybody.
        return await asyncio.shield(self._loading[ref])

    async def _load(self, ref: ModelRef) -> Engine:
        async with self._one_at_a_time:
            self._make_room()
            try:
                engine = await asyncio.to_thread(self._made, self._models[ref])
            except Exception as error:
                # Whatever it is: the caller is owed an answer, and the other models serve on.
                log.exception("%s can't be loaded any more", ref)
                raise RequestError(
                    Kind.ENGINE_FAILED, f"{ref.name} can't be loaded. Try again, or another model."
                ) from error
            self._keep(engine)
            return engine

    def _made(self, manifest: Manifest) -> Engine:
        gc.collect()  # Keras's graphs hold themselves; only now is the memory of who gave way free
        return self._make(manifest, self.choices.get(manifest.ref))

    def _make_room(self) -> None:
        while len(self._engines) >= self._max_loaded:
            longest_unused = next(iter(self._engines))
            del self._engines[longest_unused]
            log.info("%s gives way", longest_unused)

    def _keep(self, engine: Engine) -> None:
        self._engines[engine.ref] = engine
        self.choices[engine.ref] = EngineSpec(engine.backend, engine.precision)
        self._metrics.models_in_memory(len(self._engines))
