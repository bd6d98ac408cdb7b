"""Foreign values in Redis, or foreign answers, are misses, counted, and replaced."""

import asyncio
import pickle
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgpack
import pytest

from app.cache.redis import FORMAT
from app.cache.signer import Signer
from app.metrics import Metrics
from testing.redis_server import RedisServer
from tests.support.redis_caches import (
    HANGING_S,
    MAX_DURATION_S,
    SIGNER,
    caching,
    failures,
    key,
    score_of,
    taggram,
)

MEGABYTE = 2**20
WITHOUT_PEAKS = msgpack.packb(
    {
        "duration_s": 3.0,
        "announced_s": None,
        "window_s": 3.0,
        "hop_s": 3.0,
        "last_s": None,
        "tags": 1,
        "scores": struct.pack("<f", 0.5),
    }
)


def name_of_the_only_value(redis_server: RedisServer) -> bytes:
    with redis_server.client() as client:
        (name,) = client.keys()
    return name


@pytest.mark.parametrize(
    "junk",
    [b"junk", b"\xff" * 500, pickle.dumps({"scores": [1]}), SIGNER.sign("", b""), "other type"],
    ids=["text", "bytes", "pickle", "seal", "list"],
)
def test_junk_under_a_key_is_a_miss_and_counted_and_replaced(
    junk: bytes | str, redis_server: RedisServer
) -> None:
    async def scenario() -> None:
        metrics, ours = Metrics(), taggram(key())
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(ours)
            name = name_of_the_only_value(redis_server)
            with redis_server.client() as client:
                client.delete(name)
                _ = client.set(name, junk) if isinstance(junk, bytes) else client.rpush(name, junk)

            assert await cache.get([ours.key]) == {}
            assert failures(metrics) == {"get": 1, "put": 0}
            await cache.put(ours)
            assert await score_of(cache, ours.key) == 0.5

    asyncio.run(scenario())


def test_signed_junk_is_a_miss_and_counted(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key()))
            name = name_of_the_only_value(redis_server)
            with redis_server.client() as client:
                client.set(name, SIGNER.sign(name.decode(), pickle.dumps({"scores": [1]})))

            assert await cache.get([key()]) == {}
        assert failures(metrics) == {"get": 1, "put": 0}

    asyncio.run(scenario())


def test_the_value_of_another_track_is_a_miss_and_counted(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key("a")))
            name = name_of_the_only_value(redis_server)
            with redis_server.client() as client:
                client.rename(name, name.replace(b"a" * 64, b"b" * 64))

            assert await cache.get([key("b")]) == {}
        assert failures(metrics) == {"get": 1, "put": 0}

    asyncio.run(scenario())


def test_a_value_signed_with_another_secret_is_a_miss_and_counted(
    redis_server: RedisServer,
) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, signer=Signer(b"K" * 32)) as forger:
            await forger.put(taggram(key()))
        async with caching(redis_server.url, metrics) as cache:
            assert await cache.get([key()]) == {}
        assert failures(metrics) == {"get": 1, "put": 0}

    asyncio.run(scenario())


def test_a_value_of_a_hundred_megabytes_is_refused_unread(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key()))
            with redis_server.client() as client:
                client.setrange(name_of_the_only_value(redis_server), 100 * MEGABYTE, b"!")
                before = client.info("stats")["total_net_output_bytes"]

                assert await cache.get([key()]) == {}

                sent = client.info("stats")["total_net_output_bytes"] - before
            assert sent < 2 * MEGABYTE
            assert failures(metrics) == {"get": 1, "put": 0}
            await cache.put(taggram(key(), 0.25))
            assert await score_of(cache, key()) == 0.25

    asyncio.run(scenario())


def test_a_value_of_an_older_release_is_a_miss_and_not_a_failure(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key()))
            name = name_of_the_only_value(redis_server).decode()
            older = name.replace(FORMAT, "taggram:2")
            with redis_server.client() as client:
                client.delete(name)
                client.set(older, SIGNER.sign(older, WITHOUT_PEAKS))

            assert await cache.get([key()]) == {}
            await cache.put(taggram(key(), 0.25))
            assert await score_of(cache, key()) == 0.25
        assert failures(metrics) == {"get": 0, "put": 0}

    asyncio.run(scenario())


def test_a_value_over_the_size_limit_is_not_stored(redis_server: RedisServer) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with caching(redis_server.url, metrics) as cache:
            await cache.put(taggram(key(), windows=MAX_DURATION_S + 6, tags=500))
        with redis_server.client() as client:
            assert client.keys() == []
        assert failures(metrics) == {"get": 0, "put": 1}

    asyncio.run(scenario())


@asynccontextmanager
async def babbling(answer: bytes) -> AsyncIterator[str]:
    """A server that gives the same answer to any request."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the client may close the connection
            while await reader.read(MEGABYTE):
                writer.write(answer)
        writer.close()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n+OK\r\n",
        b":5\r\n:6\r\n",
        b"$x\r\n",
        b"*100000000\r\n",
        b"*1\r\n" * 100_000,
        b"$1000000000\r\n" + b"x" * MEGABYTE,
        b"-ERR no\r\n-ERR no\r\n",
    ],
    ids=lambda answer: repr(answer[:12]),
)
def test_a_server_that_is_not_redis_is_a_miss_and_counted(answer: bytes) -> None:
    async def scenario() -> None:
        metrics = Metrics()
        async with (
            babbling(answer) as url,
            caching(url, metrics, HANGING_S) as cache,
        ):
            assert await cache.get([key()]) == {}
            await cache.put(taggram(key()))
        assert failures(metrics)["get"] == 1

    asyncio.run(scenario())
