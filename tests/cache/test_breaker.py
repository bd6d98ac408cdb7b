"""A resource that fails is left alone, but for the breaker's own probes, until it answers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from app.cache.breaker import Breaker, Unavailable

TIMEOUT_S = 0.05
PATIENCE_S = 30


@pytest.fixture(autouse=True)
def probes_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cache.breaker.PROBE_EVERY_S", 0.01)
    monkeypatch.setattr("app.cache.breaker.PROBE_TIMEOUT_S", TIMEOUT_S)


class RefusedError(Exception):
    """An answer, if not a kind one."""


class Resource:
    """A resource that fails on request and records its callers."""

    def __init__(self) -> None:
        self.trouble: Callable[[], Awaitable[object]] | None = None
        self.calls: list[str] = []
        self.states: list[bool] = []

    async def call(self, who: str = "caller") -> str:
        self.calls.append(who)
        if self.trouble:
            await self.trouble()
        return "answer"

    async def probe(self) -> None:
        await self.call("probe")


async def break_off() -> None:
    raise ConnectionResetError("redis://:hunter2@host was here")


async def hang() -> None:
    await asyncio.Event().wait()


async def babble() -> None:
    raise ValueError("not the expected protocol")


async def refuse() -> None:
    raise RefusedError


async def refuse_in_other_words() -> None:
    raise RuntimeError("refused") from RefusedError()


@asynccontextmanager
async def guarding(resource: Resource) -> AsyncIterator[Breaker]:
    breaker = Breaker("Store", resource.probe, RefusedError, TIMEOUT_S, resource.states.append)
    async with asyncio.timeout(PATIENCE_S):
        yield breaker
    await breaker.close()


async def call(breaker: Breaker, resource: Resource) -> str:
    async with breaker.guarded():
        return await resource.call()


async def until_closed(breaker: Breaker) -> None:
    while breaker.is_open:  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.01)


async def until_probed(resource: Resource) -> None:
    """More than once."""
    while resource.calls.count("probe") < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("trouble", "error"), [(refuse, RefusedError), (refuse_in_other_words, RuntimeError)]
)
def test_a_resource_that_works_or_refuses_is_called_again(
    trouble: Callable[[], Awaitable[object]], error: type[Exception]
) -> None:
    async def scenario() -> None:
        resource = Resource()
        async with guarding(resource) as breaker:
            assert await call(breaker, resource) == "answer"
            resource.trouble = trouble
            for _ in range(3):
                with pytest.raises(error):
                    await call(breaker, resource)
        assert resource.calls == ["caller"] * 4
        assert resource.states == []

    asyncio.run(scenario())


@pytest.mark.parametrize("trouble", [break_off, hang, babble])
def test_the_first_failure_opens_the_breaker(
    trouble: Callable[[], Awaitable[object]],
) -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = trouble
        async with guarding(resource) as breaker:
            for _ in range(20):
                with pytest.raises(Unavailable):
                    await call(breaker, resource)
                await asyncio.sleep(0)
            assert breaker.is_open
        assert resource.calls.count("caller") == 1
        assert resource.states == [True]

    asyncio.run(scenario())


@pytest.mark.parametrize("trouble", [break_off, hang, babble])
def test_the_breaker_closes_by_itself_when_the_resource_is_back(
    trouble: Callable[[], Awaitable[object]],
) -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = trouble
        async with guarding(resource) as breaker:
            with pytest.raises(Unavailable):
                await call(breaker, resource)
            await until_probed(resource)
            resource.trouble = None
            await until_closed(breaker)
            assert await call(breaker, resource) == "answer"
        assert resource.calls.count("caller") == 2
        assert resource.states == [True, False]

    asyncio.run(scenario())


def test_a_resource_that_refuses_its_probe_counts_as_back() -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = break_off
        async with guarding(resource) as breaker:
            with pytest.raises(Unavailable):
                await call(breaker, resource)
            resource.trouble = refuse
            await until_closed(breaker)

    asyncio.run(scenario())


def test_concurrent_failures_open_the_breaker_once() -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = hang
        async with guarding(resource) as breaker:
            pending = [call(breaker, resource) for _ in range(50)]
            failed = await asyncio.gather(*pending, return_exceptions=True)
            assert {type(error) for error in failed} == {Unavailable}
        assert resource.states == [True]

    asyncio.run(scenario())


def test_a_caller_that_leaves_does_not_count_as_a_failure() -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = hang
        async with guarding(resource) as breaker:
            leaving = asyncio.create_task(call(breaker, resource))
            await asyncio.sleep(0)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            assert not breaker.is_open

    asyncio.run(scenario())


def test_the_log_has_a_line_for_each_change_and_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = break_off
        async with guarding(resource) as breaker:
            for _ in range(20):
                with pytest.raises(Unavailable):
                    await call(breaker, resource)
            await until_probed(resource)
            resource.trouble = None
            await until_closed(breaker)

    asyncio.run(scenario())

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert lines == [
        "Store is down (ConnectionResetError); continuing without it",
        "Store is back",
    ]


def test_a_single_failure_is_retried_at_once_and_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        resource = Resource()
        async with guarding(resource) as breaker:
            with pytest.raises(Unavailable):
                async with breaker.guarded():
                    await hang()
            await until_closed(breaker)
        assert resource.calls == ["probe"]
        assert resource.states == [True, False]

    caplog.set_level(logging.DEBUG, "app")
    asyncio.run(scenario())
    assert not [record for record in caplog.records if record.name.startswith("app.")]


def test_a_closed_breaker_sends_no_probes() -> None:
    async def scenario() -> None:
        resource = Resource()
        resource.trouble = hang
        async with guarding(resource) as breaker:
            with pytest.raises(Unavailable):
                await call(breaker, resource)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others

    asyncio.run(scenario())
