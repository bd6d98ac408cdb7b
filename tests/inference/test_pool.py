"""The number of models in memory is bounded; a caller waits until its model is loaded."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.errors import Kind, RequestError, SetupError
from app.inference.engine import Engine
from app.inference.pool import EnginePool, EngineSpec
from app.metrics import Metrics
from app.store.manifest.manifest import Manifest
from tests.support.scripted_engine import PATIENCE_S, ScriptedEngine, patiently, until


class Maker:
    """Makes engines without a network, and records them.

    Attributes:
        made: The models that were loaded, in order, with their engines.
        broken: Models that cannot be loaded.
        go: Set while loading may finish.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, EngineSpec | None]] = []
        self.broken: set[str] = set()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, manifest: Manifest, choice: EngineSpec | None) -> Engine:
        self.made.append((manifest.name, choice))
        assert self.go.wait(PATIENCE_S)
        if manifest.name in self.broken:
            raise SetupError(f"{manifest.name} is broken")
        engine = ScriptedEngine()
        engine.ref = manifest.ref
        return engine

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    """Exempt objects of other tests from the garbage collection that each load begins with."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def models(manifests: dict[str, Manifest]) -> list[Manifest]:
    """Four, `a` to `d`."""
    return [manifests["mtt-vgg"].model_copy(update={"name": name}) for name in "abcd"]


@pytest.fixture
def maker() -> Maker:
    return Maker()


def ref(name: str) -> ModelRef:
    return ModelRef(name, "1")


def names(pool: EnginePool) -> list[str]:
    return [ref.name for ref in pool.loaded]


def loaded(models: list[Manifest], maker: Maker, most: int = 2) -> EnginePool:
    pool = EnginePool(models, maker, most, Metrics())
    pool.load_all()
    return pool


def test_every_model_is_loaded_at_the_start_and_the_first_ones_stay(
    models: list[Manifest], maker: Maker
) -> None:
    pool = loaded(models, maker)

    assert sorted(maker.names) == ["a", "b", "c", "d"]
    assert sorted(names(pool)) == ["a", "b"]
    assert set(pool.choices) == {manifest.ref for manifest in models}


def test_a_model_that_cannot_be_loaded_is_found_at_the_start(
    models: list[Manifest], maker: Maker
) -> None:
    maker.broken = {"d"}

    with pytest.raises(SetupError, match="d is broken"):
        loaded(models, maker)


@patiently
async def test_the_least_recently_used_model_is_evicted(
    models: list[Manifest], maker: Maker
) -> None:
    pool = loaded(models, maker)
    await pool.engine(ref("b"))
    await pool.engine(ref("a"))

    engine = await pool.engine(ref("c"))

    assert engine.ref == ref("c")
    assert sorted(names(pool)) == ["a", "c"]
    assert maker.made[-1] == ("c", pool.choices[ref("c")])
    assert await pool.engine(ref("c")) is engine
    assert len(maker.made) == 5


@patiently
async def test_an_evicted_model_is_released_after_its_last_use(
    models: list[Manifest], maker: Maker
) -> None:
    pool = loaded(models, maker, most=1)
    used = await pool.engine(ref("a"))
    gone = weakref.ref(used)

    await pool.engine(ref("b"))

    assert names(pool) == ["b"]
    assert gone() is used
    del used
    gc.collect()
    assert gone() is None


@patiently
async def test_concurrent_callers_share_an_engine_and_one_that_leaves_affects_no_other(
    models: list[Manifest], maker: Maker
) -> None:
    pool = loaded(models, maker, most=1)
    maker.go.clear()
    pending = [asyncio.create_task(pool.engine(ref("c"))) for _ in range(3)]
    await until(lambda: "c" in maker.names[4:])
    pending[0].cancel()
    await asyncio.wait(pending[:1])
    maker.go.set()

    first, second = await asyncio.gather(*pending[1:])

    assert first is second
    assert maker.names[4:] == ["c"]
    assert names(pool) == ["c"]


@patiently
async def test_the_number_of_loaded_models_is_bounded_under_concurrency(
    models: list[Manifest], maker: Maker
) -> None:
    pool = loaded(models, maker)

    engines = await asyncio.gather(*(pool.engine(manifest.ref) for manifest in models))

    assert [engine.ref.name for engine in engines] == ["a", "b", "c", "d"]
    assert len(pool.loaded) == 2


@patiently
async def test_a_model_that_can_no_longer_be_loaded_fails_only_its_callers(
    models: list[Manifest], maker: Maker
) -> None:
    pool = loaded(models, maker)
    maker.broken = {"d"}

    with pytest.raises(RequestError, match="d can't be loaded") as refusal:
        await pool.engine(ref("d"))

    assert refusal.value.kind is Kind.ENGINE_FAILED
    assert (await pool.engine(ref("a"))).ref == ref("a")
    maker.broken = set()
    assert (await pool.engine(ref("d"))).ref == ref("d")


def test_a_pool_that_takes_over_loads_only_what_is_new(
    models: list[Manifest], maker: Maker, store: Path
) -> None:
    before = loaded(models[:3], maker)
    kept = dict(before.loaded)
    changed = models[1].model_copy(update={"version": "2"})

    after = EnginePool([models[0], changed, models[2]], maker, 2, Metrics())
    after.load_all(before)

    assert maker.names[3:] == ["b"]
    assert after.loaded[ref("a")] is kept[ref("a")]
    assert set(after.choices) == {ref("a"), ModelRef("b", "2"), ref("c")}
    assert len(after.loaded) == 2
