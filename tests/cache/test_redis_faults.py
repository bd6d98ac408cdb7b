"""The cache if Redis is absent, dies, hangs or is full: a miss, counted, and no wait."""

import asyncio

import pytest

from app.cache.redis import RedisCache
from app.metrics import Metrics
from testing.redis_server import RedisServer
from testing.server import free_port
from tests.support.redis_caches import (
    HANGING_S,
    PATIENCE_S,
    caching,
    failures,
    is_down,
    key,
    score_of,
    taggram,
    until_it_works,
)


async def assert_works_without_redis(cache: RedisCache, metrics: Metrics) -> None:
    before = failures(metrics)

    await cache.put(taggram(key()))
    assert await cache.get([key(), key("b")]) == {}

    assert failures(metrics) == {operation: count + 1 for operation, count in before.items()}
    assert is_down(metrics)


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
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key(), 0.25))
            with redis_server.dead():
                async with asyncio.timeout(PATIENCE_S):
                    while not caplog.records:
                        await assert_works_without_redis(cache, metrics)
                        await asyncio.sleep(0.01)

            await until_it_works(cache, taggram(key(), 0.75))
            assert await score_of(cache, key()) == 0.75
            assert not is_down(metrics)

    asyncio.run(scenario())
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert lines == ["Redis is down (ConnectionError); continuing without it", "Redis is back"]


def test_redis_that_hangs_is_a_miss_and_counted_and_used_again_when_it_goes_on(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics, HANGING_S) as cache:
            await until_it_works(cache, taggram(key(), 0.25))
            with redis_server.frozen():
                async with asyncio.timeout(PATIENCE_S):
                    for _ in range(6):
                        await assert_works_without_redis(cache, metrics)

            await until_it_works(cache, taggram(key("b"), 0.75))
            assert not is_down(metrics)

    asyncio.run(scenario())


def test_a_black_hole_delays_only_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cache.breaker.PROBE_EVERY_S", PATIENCE_S)

    async def scenario() -> None:
        metrics, swallowed = Metrics(), []

        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            swallowed.append(await reader.read())
            writer.close()

        async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
            url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
            async with caching(url, metrics, HANGING_S) as cache:
                for _ in range(20):
                    await assert_works_without_redis(cache, metrics)
        assert len(swallowed) <= 2  # the first question and the first probe

    asyncio.run(scenario())


def test_a_redis_restarted_while_idle_answers_at_once(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await asyncio.gather(*(cache.get([key()]) for _ in range(9)))  # many connections
            with redis_server.dead():
                pass
            await asyncio.sleep(0)  # in which their ends are noticed
            await asyncio.gather(*(cache.get([key()]) for _ in range(9)))
        assert failures(metrics) == {"get": 0, "put": 0}

    asyncio.run(scenario())


def test_all_callers_of_a_hanging_redis_wait_only_once(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url, timeout_s=HANGING_S) as cache:
            with redis_server.frozen():
                # More than there are connections, which would keep the last ones waiting for ever.
                pending = [cache.get([key(), key("b")]) for _ in range(100)]
                async with asyncio.timeout(PATIENCE_S):
                    assert await asyncio.gather(*pending) == [{}] * 100

    asyncio.run(scenario())


def test_an_answer_that_comes_too_late_is_not_taken_for_another_track_s(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        async with caching(redis_server.url, timeout_s=HANGING_S) as cache:
            await until_it_works(cache, taggram(key("a"), 0.25))
            await until_it_works(cache, taggram(key("b"), 0.75))
            with redis_server.frozen():
                assert await cache.get([key("a")]) == {}

            assert await score_of(cache, key("b")) in (0.75, None)
            await until_it_works(cache, taggram(key("b"), 0.75))
            assert await score_of(cache, key("b")) in (0.75, None)

    asyncio.run(scenario())


def test_a_full_redis_still_returns_its_values(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key()))
            with redis_server.client() as client:
                client.config_set("maxmemory", 1)
            await cache.put(taggram(key("b")))

            assert list(await cache.get([key(), key("b")])) == [key()]
        assert failures(metrics) == {"get": 0, "put": 1}
        assert not is_down(metrics)

    asyncio.run(scenario())


def test_redis_that_requires_a_password_is_a_miss_and_counted_until_it_requires_none(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        with redis_server.client() as client:
            client.config_set("requirepass", "secret")
            async with caching(redis_server.url, metrics) as cache:
                await assert_works_without_redis(cache, metrics)
                client.config_set("requirepass", "")

                await until_it_works(cache, taggram(key()))

    asyncio.run(scenario())


def test_redis_that_denies_access_to_the_keys_is_a_miss_and_counted(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        with redis_server.client() as client:
            client.acl_setuser("default", reset_keys=True, keys=["other:*"])
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key()))
            assert await cache.get([key()]) == {}
        assert failures(metrics) == {"get": 1, "put": 1}

    asyncio.run(scenario())


def test_a_database_that_does_not_exist_is_a_miss_and_counted(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url.replace("/0", "/99"), metrics) as cache:
            await cache.put(taggram(key()))
            assert await cache.get([key()]) == {}
        assert failures(metrics) == {"get": 1, "put": 1}

    asyncio.run(scenario())
