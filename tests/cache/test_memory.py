"""The cache in this process: for a time, within its bound, the least recently used goes first."""

import asyncio
import weakref
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.cache.memory import OVERHEAD_BYTES, MemoryCache
from app.domain import ModelRef, Precision, Taggram, TaggramKey
from tests.support.peaks import SILENT

TAGS = 50
LONG_S = 3600.0
PATIENCE_S = 30


def key(
    name: str,
    model: str = "msd-musicnn",
    version: str = "1",
    precision: Precision = Precision.FLOAT32,
) -> TaggramKey:
    return TaggramKey(name, ModelRef(model, version), precision)


def taggram(of: TaggramKey, windows: int = 1) -> Taggram:
    return Taggram(of, 3.0, 3.0, 3.0, np.zeros((windows, TAGS), np.float32), SILENT)


def room_for(taggrams: int) -> int:
    return taggrams * (TAGS * 4 + SILENT.nbytes + OVERHEAD_BYTES)


async def kept(cache: MemoryCache, names: Sequence[str]) -> list[str]:
    found = await cache.get([key(name) for name in names])
    return [of.track_id for of in found]


def test_a_stored_taggram_is_found_only_under_its_model_version_and_precision() -> None:
    async def scenario() -> None:
        cache = MemoryCache(room_for(9), LONG_S)
        ours = taggram(key("a"))
        await cache.put(ours)
        others = [
            key("b"),
            key("a", version="2"),
            key("a", model="msd-vgg"),
            key("a", precision=Precision.BF16),
        ]

        assert await cache.get([*others, ours.key]) == {ours.key: ours}

    asyncio.run(scenario())


def test_the_least_recently_used_taggram_is_evicted() -> None:
    async def scenario() -> None:
        cache = MemoryCache(room_for(3), LONG_S)
        for name in "abc":
            await cache.put(taggram(key(name)))
        await cache.get([key("a")])
        await cache.put(taggram(key("d")))

        assert await kept(cache, "abcd") == ["a", "c", "d"]

    asyncio.run(scenario())


def test_storing_a_taggram_again_takes_no_more_memory() -> None:
    async def scenario() -> None:
        cache = MemoryCache(room_for(2), LONG_S)
        for name in "abbb":
            await cache.put(taggram(key(name)))

        assert await kept(cache, "ab") == ["a", "b"]

    asyncio.run(scenario())


def test_a_taggram_larger_than_the_cache_is_not_stored_and_evicts_nothing() -> None:
    async def scenario() -> None:
        cache = MemoryCache(room_for(3), LONG_S)
        await cache.put(taggram(key("a")))
        await cache.put(taggram(key("large"), windows=100))

        assert await kept(cache, ["a", "large"]) == ["a"]

    asyncio.run(scenario())


def test_a_taggram_expires_however_often_it_is_read() -> None:
    async def scenario() -> None:
        cache = MemoryCache(room_for(9), ttl_s=0.2)
        ours = taggram(key("a"))
        gone = weakref.ref(ours)
        async with asyncio.timeout(PATIENCE_S):
            while not await kept(cache, "a"):  # that long may pass while nothing is done here
                await cache.put(ours)
                await asyncio.sleep(0)
            del ours
            while await kept(cache, "a"):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)
        assert gone() is None  # not only hidden

    asyncio.run(scenario())


@given(
    max_bytes=st.integers(1, 100_000),
    windows=st.lists(st.integers(1, 200), min_size=1, max_size=40),
)
def test_the_stored_scores_and_peaks_never_exceed_the_limit(
    max_bytes: int, windows: list[int]
) -> None:
    async def scenario() -> None:
        cache = MemoryCache(max_bytes, LONG_S)
        for number, count in enumerate(windows):
            await cache.put(taggram(key(str(number)), count))
        left = await cache.get([key(str(number)) for number in range(len(windows))])

        kept_bytes = sum(one.scores.nbytes + one.peaks.nbytes for one in left.values())
        assert kept_bytes <= max_bytes

    asyncio.run(scenario())
