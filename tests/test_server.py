"""The life of servers, with one that serves nothing: signals, and the end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace

import pytest

from app import server
from app.errors import Kind, RequestError
from app.headroom import find_headroom
from app.metrics import Metrics
from app.tagging.admission import Admission, AdmissionLimits
from testing.waiting import PATIENCE_S


class Services:
    """What the server's life looks at, and how often it has looked."""

    def __init__(self) -> None:
        self.admission = Admission(AdmissionLimits(1, 1, 1, 0), find_headroom(), Metrics())
        self.has_hung = False
        self.looks = 0
        self.reloads = 0

    @property
    def is_stuck(self) -> bool:
        self.looks += 1
        return self.has_hung

    async def reload(self) -> None:
        self.reloads += 1
        raise RequestError(Kind.NOT_READY, "not yet")


class Scripted:
    """In the place of `uvicorn.Server`: serves by running a test's script, until it should exit."""

    def __init__(self, script: Callable[["Scripted"], Awaitable[None]]) -> None:
        self.should_exit = False
        self.force_exit = False
        self.services = Services()
        self.state = SimpleNamespace(services=self.services, failure=None)
        self._script = script

    def run(self) -> None:
        """Serve, with one upload in flight until the script is over."""
        server.run(SimpleNamespace(state=self.state), [self])

    async def serve(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await until(lambda: signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL)
            with self.services.admission.permit("client", 1):
                await self._script(self)
            await until(lambda: self.should_exit)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.001)


async def stop(scripted: Scripted, number: int = signal.SIGTERM) -> None:
    signal.raise_signal(number)
    await until(lambda: scripted.services.admission.is_closed)


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    """Begin as a process in the foreground does, whatever handlers another test has left."""
    defaults = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in defaults.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_the_server(number: int) -> None:
    async def script(scripted: Scripted) -> None:
        await stop(scripted, number)
        looks = scripted.services.looks
        await until(lambda: scripted.services.looks > looks + 1)
        assert not scripted.should_exit

    Scripted(script).run()


def test_the_second_signal_ends_the_server_and_the_third_aborts_it() -> None:
    async def script(scripted: Scripted) -> None:
        await stop(scripted)
        signal.raise_signal(signal.SIGTERM)
        await until(lambda: scripted.should_exit)
        assert not scripted.force_exit
        signal.raise_signal(signal.SIGTERM)
        await until(lambda: scripted.force_exit)

    Scripted(script).run()


def test_draining_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(scripted: Scripted) -> None:
        await stop(scripted)
        await until(lambda: scripted.should_exit)

    monkeypatch.setattr(server, "DRAIN_S", 0)
    Scripted(script).run()


def test_a_stuck_engine_ends_the_server() -> None:
    async def script(scripted: Scripted) -> None:
        scripted.services.has_hung = True

    Scripted(script).run()


def test_models_that_cannot_be_loaded_end_the_server() -> None:
    async def script(scripted: Scripted) -> None:
        scripted.state.failure = RuntimeError("no model")

    Scripted(script).run()


def test_sighup_reloads_and_a_failed_reload_keeps_serving() -> None:
    async def script(scripted: Scripted) -> None:
        signal.raise_signal(signal.SIGHUP)
        await until(lambda: scripted.services.reloads == 1)
        signal.raise_signal(signal.SIGHUP)
        await until(lambda: scripted.services.reloads == 2)
        assert not scripted.should_exit
        await stop(scripted)

    Scripted(script).run()
