"""The cache in a real Redis, also where Redis is absent, dies, hangs, or holds something else."""

import asyncio
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.cache.redis import RedisCache
from app.domain import ModelRef, Taggram, TaggramKey
from app.metrics import Metrics
from tests.cache.conftest import RedisServer
from tests.server import free_port

BUSY_MACHINE_S = 10
"""Time-out where Redis should answer, so that a slow machine fails no test."""

HANGING_S = 0.05
"""Time-out where it should not."""

TTL_S = 1000


def key(track: str = "a", model: str = "msd-musicnn", version: str = "1") -> TaggramKey:
    return TaggramKey(track * 64, ModelRef(model, version))


def taggram(of: TaggramKey, score: float = 0.5) -> Taggram:
    return Taggram(of, 7.5, 3.0, 2.5, np.full((3, 50), score, np.float32))


@asynccontextmanager
async def caching(
    url: str, metrics: Metrics | None = None, timeout_s: float = BUSY_MACHINE_S
) -> AsyncIterator[RedisCache]:
    cache = RedisCache(url, timeout_s, TTL_S, metrics or Metrics())
    yield cache
    await cache.close()


def failures(metrics: Metrics) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        sample.labels["operation"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "taggram_cache_failures_total"
    }


async def score_of(cache: RedisCache, of: TaggramKey) -> float | None:
    found = await cache.get(of)
    return None if found is None else float(found.scores[0, 0])


async def until_it_works(cache: RedisCache, ours: Taggram) -> None:
    """Put and get until an answer comes within the short time-out."""
    async with asyncio.timeout(30):
        while await cache.get(ours.key) is None:
            await cache.put(ours)


def test_a_taggram_comes_back_as_it_was(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics, ours = Metrics(), taggram(key())
        async with caching(redis_server.url, metrics) as cache:
            assert await cache.get(ours.key) is None
            await cache.put(ours)
            back = await cache.get(ours.key)

        assert back
        assert (back.key, back.duration_s, back.window_s, back.hop_s) == (key(), 7.5, 3.0, 2.5)
        np.testing.assert_array_equal(back.scores, ours.scores)
        assert failures(metrics) == {"get": 0, "put": 0}

    asyncio.run(scenario())


def test_replicas_share_it(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as one, caching(redis_server.url) as other:
            await one.put(taggram(key(), 0.25))

            assert await score_of(other, key()) == 0.25

    asyncio.run(scenario())


def test_models_and_their_versions_and_tracks_are_kept_apart(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        keys = [key(), key("b"), key(model="msd-vgg"), key(version="2")]
        async with caching(redis_server.url) as cache:
            for number, each in enumerate(keys):
                await cache.put(taggram(each, number / 4))

            assert [await score_of(cache, each) for each in keys] == [0, 0.25, 0.5, 0.75]

    asyncio.run(scenario())


def test_all_that_is_kept_expires(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as cache:
            await cache.put(taggram(key()))
            await cache.put(taggram(key("b")))

    asyncio.run(scenario())
    with redis_server.client() as client:
        times_to_live = [client.ttl(name) for name in client.scan_iter()]

    assert len(times_to_live) == 2
    assert all(TTL_S - 100 < seconds <= TTL_S for seconds in times_to_live)


@pytest.mark.parametrize(
    "junk", [b"", b"junk", b"\xff" * 500, pickle.dumps({"scores": [1]}), "other type"], ids=repr
)
def test_junk_in_our_place_is_a_miss_and_counted_and_replaced(
    junk: bytes | str, redis_server: RedisServer
) -> None:
    async def scenario() -> None:
        metrics, ours = Metrics(), taggram(key())
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(ours)
            _put_in_the_only_place(redis_server, junk)

            assert await cache.get(ours.key) is None
            assert failures(metrics) == {"get": 1, "put": 0}
            await cache.put(ours)
            assert await score_of(cache, ours.key) == 0.5

    asyncio.run(scenario())


def _put_in_the_only_place(redis_server: RedisServer, junk: bytes | str) -> None:
    with redis_server.client() as client:
        (name,) = client.keys()
        if isinstance(junk, bytes):
            client.set(name, junk)
        else:
            client.delete(name)
            client.rpush(name, junk)


async def assert_works_without_redis(cache: RedisCache, metrics: Metrics) -> None:
    before = failures(metrics)

    await cache.put(taggram(key()))
    assert await cache.get(key()) is None

    assert failures(metrics) == {operation: count + 1 for operation, count in before.items()}


def test_redis_that_was_never_started_is_a_miss_and_counted() -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(f"redis://127.0.0.1:{free_port()}/0", metrics) as cache:
            await assert_works_without_redis(cache, metrics)

    asyncio.run(scenario())


def test_a_host_that_does_not_exist_is_a_miss_and_counted() -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching("redis://no-such-host.invalid:6379/0", metrics) as cache:
            await assert_works_without_redis(cache, metrics)

    asyncio.run(scenario())


def test_redis_that_dies_is_a_miss_and_counted_and_used_again_when_it_is_back(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key(), 0.25))
            redis_server.kill()
            await assert_works_without_redis(cache, metrics)
            redis_server.start()

            assert await cache.get(key()) is None
            await cache.put(taggram(key(), 0.75))
            assert await score_of(cache, key()) == 0.75

    asyncio.run(scenario())


def test_redis_that_hangs_is_a_miss_and_counted_and_used_again_when_it_goes_on(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics, HANGING_S) as cache:
            await until_it_works(cache, taggram(key(), 0.25))
            redis_server.freeze()
            async with asyncio.timeout(
                30
            ):  # half a second of our time-outs, a minute of redis-py's
                for _ in range(6):
                    await assert_works_without_redis(cache, metrics)
            redis_server.thaw()

            await until_it_works(cache, taggram(key("b"), 0.75))

    asyncio.run(scenario())


def test_an_answer_that_comes_too_late_is_not_taken_for_another_track_s(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url, timeout_s=HANGING_S) as cache:
            await until_it_works(cache, taggram(key("a"), 0.25))
            await until_it_works(cache, taggram(key("b"), 0.75))
            redis_server.freeze()
            assert await cache.get(key("a")) is None
            redis_server.thaw()

            assert await score_of(cache, key("b")) in (0.75, None)
            await until_it_works(cache, taggram(key("b"), 0.75))
            assert await score_of(cache, key("b")) in (0.75, None)

    asyncio.run(scenario())


def test_an_answer_to_a_caller_who_left_is_not_taken_for_another_track_s(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as cache:
            await cache.put(taggram(key("a"), 0.25))
            await cache.put(taggram(key("b"), 0.75))
            redis_server.freeze()
            leaving = asyncio.create_task(cache.get(key("a")))
            await asyncio.sleep(0.1)  # so that its question is on the way
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            redis_server.thaw()

            assert await score_of(cache, key("b")) == 0.75
            assert await score_of(cache, key("a")) == 0.25

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("setting", "value", "failed"),
    [("maxmemory", "1", {"get": 0, "put": 1}), ("requirepass", "secret", {"get": 1, "put": 1})],
)
def test_redis_that_is_full_or_wants_a_password_is_a_miss_and_counted(
    setting: str, value: str, failed: dict[str, float], redis_server: RedisServer
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        with redis_server.client() as client:
            client.config_set(setting, value)
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key()))
            assert await cache.get(key()) is None

        assert failures(metrics) == failed

    asyncio.run(scenario())


def test_many_callers_at_a_time_each_get_their_own(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        tracks = "0123456789abcdef"
        keys = [key(track, version=str(number)) for track in tracks for number in range(1, 5)]
        scores = [float(np.float32(number / len(keys))) for number in range(len(keys))]
        async with caching(redis_server.url) as cache:
            puts = [cache.put(taggram(*each)) for each in zip(keys, scores, strict=True)]
            await asyncio.gather(*puts)

            found = await asyncio.gather(*(score_of(cache, each) for each in keys))

        assert found == scores

    asyncio.run(scenario())
