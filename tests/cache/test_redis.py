"""The cache in a working Redis: stored taggrams are read by their key."""

import asyncio
import logging

import numpy as np
import pytest

from app.cache.redis import RedisCache
from app.domain import Precision
from app.errors import SetupError
from app.metrics import Metrics
from testing.redis_server import RedisServer
from testing.waiting import wait_for_async
from tests.support.redis_caches import (
    MAX_DURATION_S,
    SIGNER,
    TTL_S,
    caching,
    failures,
    is_down,
    key,
    score_of,
    taggram,
)


def test_a_stored_taggram_is_read_unchanged(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics, ours = Metrics(), taggram(key())
        async with caching(redis_server.url, metrics) as cache:
            assert await cache.get([ours.key]) == {}
            await cache.put(ours)
            back = (await cache.get([ours.key]))[ours.key]

        assert (back.key, back.duration_s, back.window_s, back.hop_s) == (key(), 7.5, 3.0, 2.5)
        np.testing.assert_array_equal(back.scores, ours.scores)
        np.testing.assert_array_equal(back.peaks, ours.peaks)
        assert failures(metrics) == {"get": 0, "put": 0}
        assert not is_down(metrics)

    asyncio.run(scenario())


def test_replicas_share_the_cache(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as one, caching(redis_server.url) as other:
            await one.put(taggram(key(), 0.25))

            assert await score_of(other, key()) == 0.25

    asyncio.run(scenario())


def test_models_versions_precisions_and_tracks_are_kept_apart(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        others = [key("b"), key(model="msd-vgg"), key(version="2"), key(precision=Precision.BF16)]
        async with caching(redis_server.url) as cache:
            await cache.put(taggram(key()))
            assert await cache.get(others) == {}

            for number, each in enumerate(others):
                await cache.put(taggram(each, number / 4))
            assert [await score_of(cache, each) for each in others] == [0, 0.25, 0.5, 0.75]

    asyncio.run(scenario())


def test_several_keys_are_read_at_once_and_the_stored_ones_are_returned(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as cache:
            await cache.put(taggram(key("a")))
            await cache.put(taggram(key("c")))
            with redis_server.client() as client:
                before = client.info("clients")["connected_clients"]
                found = await cache.get([key("a"), key("b"), key("c")])
                assert client.info("clients")["connected_clients"] == before

        assert list(found) == [key("a"), key("c")]

    asyncio.run(scenario())


def test_all_stored_values_expire(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as cache:
            await cache.put(taggram(key()))
            await cache.put(taggram(key("b")))

    asyncio.run(scenario())
    with redis_server.client() as client:
        times_to_live = [client.ttl(name) for name in client.scan_iter()]

    assert len(times_to_live) == 2
    assert all(TTL_S - 100 < seconds <= TTL_S for seconds in times_to_live)


def test_the_longest_taggram_is_stored(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key(), windows=MAX_DURATION_S, tags=500))
            assert await score_of(cache, key()) == 0.5
        assert failures(metrics) == {"get": 0, "put": 0}

    asyncio.run(scenario())


def test_concurrent_callers_each_get_their_own_taggram(redis_server: RedisServer) -> None:
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


def test_an_answer_to_a_cancelled_call_is_not_taken_for_another_track_s(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url) as cache:
            await cache.put(taggram(key("a"), 0.25))
            await cache.put(taggram(key("b"), 0.75))
            with redis_server.frozen():
                leaving = asyncio.create_task(cache.get([key("a")]))
                await wait_for_async(redis_server.has_unread, "its question to arrive")
                leaving.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await leaving

            assert await score_of(cache, key("b")) == 0.75
            assert await score_of(cache, key("a")) == 0.25

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://:hunter2/x@host"])
def test_an_invalid_redis_url_is_refused_without_showing_its_password(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(SetupError, match=r"TAGGRAM_REDIS_URL.* redis://") as refusal:
        RedisCache(url, SIGNER, Metrics(), timeout_s=1, ttl_s=1, max_duration_s=1)

    assert "hunter2" not in str(refusal.value) + caplog.text
