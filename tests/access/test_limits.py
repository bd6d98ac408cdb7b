"""Rates: what counts as one caller, its limits, and where they are counted."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.access import rate_limiter
from app.access.addresses import identify_caller, is_this_machine
from app.access.limits import Limits
from app.access.rate_limiter import RateLimiter
from app.cache.redis import RedisCache
from app.cache.redis_stamps import STAMP
from app.cache.signer import Signer
from app.errors import Kind, RequestError
from app.settings import Settings
from testing.redis_server import RedisServer
from tests.support.redis_caches import BUSY_MACHINE_S, HANGING_S, PATIENCE_S, SIGNER, caching

HOUR = timedelta(hours=1)

NAME = "taggram-test:v2:a"
"""Of the bucket of the caller `a`, in Redis."""


@dataclass
class Clock:
    """Seconds, of no particular start."""

    now: float = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock, which only a test advances."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


@asynccontextmanager
async def replica(
    server: RedisServer, timeout_s: float = BUSY_MACHINE_S
) -> AsyncIterator[tuple[RateLimiter, RedisCache]]:
    """Buckets of three, which do not fill while a test lasts, as one replica sees them."""
    async with caching(server.url, timeout_s=timeout_s) as cache:
        yield RateLimiter("test", 3, HOUR, 1, cache.stamps(SIGNER)), cache


async def taken(rate_limiter: RateLimiter, caller: str = "a", times: int = 5) -> int:
    """Return how many of `count` calls are accepted."""
    return [await rate_limiter.take(caller) for _ in range(times)].count(0.0)


def test_a_bucket_holds_a_burst_and_fills_evenly(clock: Clock) -> None:
    async def run() -> None:
        rate = RateLimiter("test", 3, timedelta(seconds=1), 20, None)
        assert await taken(rate) == 3
        assert await rate.take("a") == pytest.approx(0.05)
        clock.now += 0.051
        assert await taken(rate) == 1

    asyncio.run(run())


def test_each_caller_has_its_own_bucket() -> None:
    async def run() -> None:
        rate = RateLimiter("test", 3, HOUR, 1, None)
        assert [await taken(rate, caller) for caller in ("a", "a", "b")] == [3, 0, 3]

    asyncio.run(run())


def test_a_wall_clock_that_jumps_changes_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        rate = RateLimiter("test", 3, timedelta(seconds=1), 20, None)
        assert await taken(rate) == 3
        real = time.time
        for jump_s in (-3_600, 3_600):
            monkeypatch.setattr(time, "time", lambda jump_s=jump_s: real() + jump_s)
            assert await rate.take("a") == pytest.approx(0.05)
        clock.now += 0.2
        assert await taken(rate) == 3

    asyncio.run(run())


def test_the_number_of_remembered_callers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limiter, "MAX_CALLERS", 500)

    async def run() -> None:
        rate = RateLimiter("test", 3, HOUR, 1, None)
        for index in range(1_000):
            await rate.take(f"caller {index}")
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for index in range(10_000):
                await rate.take(f"another {index}")
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 500 * 1_000  # old callers are replaced by new ones

    asyncio.run(run())


def test_replicas_count_together(redis_server: RedisServer) -> None:
    async def run() -> None:
        async with replica(redis_server) as (one, _), replica(redis_server) as (other, _):
            assert [await taken(one, times=2), await taken(other)] == [2, 1]

    asyncio.run(run())


def test_a_second_attempt_at_another_replica_takes_no_token(redis_server: RedisServer) -> None:
    async def run() -> None:
        async with replica(redis_server) as (one, _), replica(redis_server) as (other, _):
            assert await one.take("a", "call") == await other.take("a", "call") == 0.0
            assert [await taken(one, times=2), await taken(other)] == [2, 0]

    asyncio.run(run())


def test_a_third_attempt_is_another_call(redis_server: RedisServer) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            replicas = [await stack.enter_async_context(replica(redis_server)) for _ in range(9)]
            waits = [await rate.take("a", "call") for rate, _ in replicas]
            assert waits.count(0.0) == 2 * 3

    asyncio.run(run())


def test_ids_of_calls_belong_to_callers(redis_server: RedisServer) -> None:
    async def run() -> None:
        async with replica(redis_server) as (one, _), replica(redis_server) as (other, _):
            await one.take("b", "call")
            await one.take("a", "call")
            assert await taken(other) == 2

    asyncio.run(run())


def test_a_refused_attempt_has_no_second_one(redis_server: RedisServer) -> None:
    async def run() -> None:
        async with replica(redis_server) as (one, _), replica(redis_server) as (other, _):
            await taken(one, times=3)
            async with replica(redis_server) as (third, _):
                assert await third.take("a", "call") > 0
            assert await other.take("a", "call") > 0

    asyncio.run(run())


def test_replicas_that_count_at_once_accept_no_more(redis_server: RedisServer) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            replicas = [await stack.enter_async_context(replica(redis_server)) for _ in range(4)]
            waits = await asyncio.gather(
                *(rate.take("a") for rate, _ in replicas for _ in "abcdef")
            )
            assert waits.count(0.0) == 3

    asyncio.run(run())


def test_values_in_redis_expire_when_they_no_longer_matter(
    redis_server: RedisServer,
) -> None:
    async def run() -> None:
        async with replica(redis_server) as (rate, _):
            await taken(rate)

    asyncio.run(run())
    with redis_server.client() as client:
        (name,) = client.keys()
        assert 0 < client.ttl(name) <= 3 * HOUR.total_seconds()


@pytest.mark.parametrize("how", ["dead", "frozen"])
def test_without_redis_a_replica_counts_alone_and_later_together_again(
    how: str, redis_server: RedisServer
) -> None:
    async def run() -> None:
        async with replica(redis_server, HANGING_S) as (rate, shared):
            await rate.take("before")
            with getattr(redis_server, how)():
                assert await taken(rate) == 3
                assert shared.breaker.is_open
            with redis_server.client() as client:
                async with asyncio.timeout(PATIENCE_S):
                    while not client.exists(NAME.removesuffix("a") + "after"):
                        await rate.take("after")
                        await asyncio.sleep(0.02)

    asyncio.run(run())


LIES = {
    "rubbish": "x",
    "a date in the far future, as of a clock that was set back": "1e12",
    "no number": "nan",
    "no end": "inf",
    "nothing": "",
    "a date signed for another": Signer(b"k" * 32).sign(NAME + "b", STAMP.pack(2e9)),
    "a date signed with another key": Signer(b"x" * 32).sign(NAME, STAMP.pack(2e9)),
    "a date signed, and more": SIGNER.sign(NAME, STAMP.pack(2e9)) + b"x",
    "a date signed, in the far future": SIGNER.sign(NAME, STAMP.pack(1e12)),
}


FORGERIES: dict[str, Callable[[str, float], bytes]] = {
    "as the library of rate limits counts": lambda name, at_s: str(at_s - 1_735_660_800).encode(),
    "unsigned": lambda name, at_s: STAMP.pack(at_s),
    "signed with another key": lambda name, at_s: Signer(b"x" * 32).sign(name, STAMP.pack(at_s)),
    "signed for another caller": lambda name, at_s: SIGNER.sign(name + "b", STAMP.pack(at_s)),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_writer_to_redis_cannot_have_callers_refused(
    forge: Callable[[str, float], bytes], redis_server: RedisServer
) -> None:
    async def run() -> None:
        async with replica(redis_server) as (rate, _):
            await rate.take("a")
            with redis_server.client() as client:
                (name,) = client.keys()
                used_up = time.time() + 2.5 * HOUR.total_seconds()  # believable: one waits for .5
                client.set(name, forge(name.decode(), used_up))
            assert await rate.take("a") == 0

    asyncio.run(run())


@pytest.mark.parametrize("lie", LIES)
def test_a_redis_with_forged_values_locks_no_caller_out(
    lie: str, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.set(NAME, LIES[lie])

    async def run() -> None:
        async with replica(redis_server) as (rate, _):
            assert await rate.take("a") == 0

    asyncio.run(run())


def test_emptying_redis_does_not_reset_the_counts_of_a_replica(
    redis_server: RedisServer,
) -> None:
    async def run() -> None:
        async with replica(redis_server) as (rate, _):
            assert await taken(rate) == 3
            with redis_server.client() as client:
                client.flushall()
            assert await taken(rate) == 0

    asyncio.run(run())


def test_values_of_another_type_and_a_full_redis_lock_no_caller_out(
    redis_server: RedisServer,
) -> None:
    with redis_server.client() as client:
        client.lpush(NAME, "x")
        client.config_set("maxmemory", 1)

    async def run() -> None:
        async with replica(redis_server) as (rate, _):
            assert await taken(rate, "a") == await taken(rate, "b") == 3

    asyncio.run(run())


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("_hidden", "", True),
    ],
)
def test_addresses_that_count_as_one_caller(one: str, other: str, is_same: bool) -> None:
    assert (identify_caller(one) == identify_caller(other)) is is_same


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_addresses_of_this_machine(address: str, is_ours: bool) -> None:
    assert is_this_machine(address) is is_ours


@pytest.mark.parametrize(
    ("address", "is_forwarded", "is_counted"),
    [
        ("127.0.0.1", False, False),
        ("127.0.0.1", True, True),
        ("192.0.2.1", False, True),
        ("192.0.2.1", True, True),
    ],
)
def test_all_addresses_but_those_of_this_machine_are_counted(
    address: str, is_forwarded: bool, is_counted: bool, clock: Clock
) -> None:
    async def run() -> None:
        limits = Limits(Settings(address_requests_per_minute=4), None)
        for _ in range(2):
            await limits.count_address(address, is_forwarded=is_forwarded)
        with pytest.raises(RequestError) if is_counted else nullcontext() as refused:
            await limits.count_address(address, is_forwarded=is_forwarded)
        if refused:
            assert refused.value.kind is Kind.RATE_LIMITED
            assert refused.value.retry_after_s == 15

    asyncio.run(run())
