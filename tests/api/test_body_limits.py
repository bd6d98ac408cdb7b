"""Bodies of all paces, on a clock that jumps from event to event: no test waits."""

import asyncio
import selectors
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.upload.body_limits import DISCARD_BYTES, DISCARD_S, BodyLimits
from app.errors import Kind, RequestError
from app.settings import Settings

SETTINGS = Settings(stall_timeout_s=10, min_upload_rate=100, body_timeout_s=60)
LENGTH = {b"content-length": b"1000000"}
CHUNKED = {b"transfer-encoding": b"chunked"}


class JumpingClock(selectors.DefaultSelector):
    """Instead of waiting for a timer it sets the time to when the timer is due."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now_s += timeout or 0.0
        return super().select(0)


@dataclass
class Client:
    """A client of one request.

    Attributes:
        pieces: What it sends of the body, each with the time at which it does.
        is_whole: Whether that is the whole body; if not, it sends no more, or leaves.
        taken_bytes: What the server took.
        answer: The messages of the answer, each with its time.
    """

    pieces: Sequence[tuple[float, bytes]]
    is_whole: bool = False
    leaves: bool = False
    headers: dict[bytes, bytes] = field(default_factory=lambda: LENGTH)
    taken_bytes: int = 0
    answer: list[tuple[float, Message]] = field(default_factory=list)

    def call(self, app: ASGIApp) -> None:
        """Send the request to an application behind the limits."""
        clock = JumpingClock()
        loop = asyncio.SelectorEventLoop(clock)
        loop.time = lambda: clock.now_s
        scope = {"type": "http", "headers": list(self.headers.items())}
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(BodyLimits(app, SETTINGS)(scope, self._receiver(), self._send))

    def _receiver(self) -> Receive:
        remaining = list(reversed(self.pieces))

        async def receive() -> Message:
            if not remaining:
                if not self.leaves:
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}
            at_s, piece = remaining[-1]
            await asyncio.sleep(at_s - asyncio.get_running_loop().time())
            remaining.pop()
            self.taken_bytes += len(piece)
            more_body = bool(remaining) or not self.is_whole
            return {"type": "http.request", "body": piece, "more_body": more_body}

        return receive

    async def _send(self, message: Message) -> None:
        self.answer.append((asyncio.get_running_loop().time(), message))


def reading(pause_s: float = 0.0) -> ASGIApp:
    """An application that reads a body, with pauses, before it answers."""

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        while message.get("more_body"):
            await asyncio.sleep(pause_s)
            message = await receive()
        await refuse(scope, receive, send)

    return read


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers at once."""
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b"refused"})


def each_second(size: int, seconds: int) -> list[tuple[float, bytes]]:
    return [(second, bytes(size)) for second in range(seconds)]


SLOW = {
    "nothing": ([], "too slowly"),
    "a part, then nothing": ([(0, bytes(100_000))], "too slowly"),
    "less than the least rate": (each_second(80, 60), "too slowly"),
    "more than the least rate, for ever": (each_second(120, 600), "too long"),
}


@pytest.mark.parametrize("headers", [LENGTH, CHUNKED])
@pytest.mark.parametrize("what", SLOW)
def test_a_body_below_the_minimum_rate_times_out(what: str, headers: dict[bytes, bytes]) -> None:
    pieces, problem = SLOW[what]
    with pytest.raises(RequestError, match=problem) as refusal:
        Client(pieces, headers=headers).call(reading())
    assert refusal.value.kind is Kind.REQUEST_TIMEOUT


def test_a_body_above_the_minimum_rate_is_accepted() -> None:
    client = Client(each_second(120, 50), is_whole=True)
    client.call(reading())
    assert client.taken_bytes == 50 * 120


def test_a_disconnected_client_is_not_waited_for() -> None:
    Client([(0, b"a")], leaves=True).call(reading())


def test_time_in_which_the_service_does_not_read_is_not_counted() -> None:
    client = Client(20 * [(0, b"a")], is_whole=True)
    client.call(reading(pause_s=30))
    assert client.taken_bytes == 20


def test_the_rest_of_a_body_is_discarded_before_its_answer_ends() -> None:
    client = Client([(n / 100, bytes(10_000)) for n in range(100)], is_whole=True)
    client.call(refuse)
    assert client.taken_bytes == 100 * 10_000
    (begun_s, start), (sent_s, body), (ended_s, end) = client.answer
    assert (begun_s, sent_s, ended_s) == (0, 0, pytest.approx(0.99))
    assert dict(start["headers"]) == {b"connection": b"close"}
    assert body == {"type": "http.response.body", "body": b"refused", "more_body": True}
    assert end == {"type": "http.response.body", "body": b""}


ENDLESS = {
    "that stalls": ([], DISCARD_S, 0),
    "that goes on slowly": ([(n / 10, b"a") for n in range(600)], DISCARD_S, 21),
    "that goes on fast": (1_000 * [(0, bytes(2**20))], 0, DISCARD_BYTES + 2**20),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_no_more_is_discarded_than_the_limits_allow(what: str) -> None:
    pieces, seconds, size = ENDLESS[what]
    client = Client(pieces)
    client.call(refuse)
    assert client.answer[-1][0] == pytest.approx(seconds)
    assert client.taken_bytes <= size


def test_nothing_is_discarded_of_a_disconnected_client() -> None:
    client = Client([], leaves=True)
    client.call(refuse)
    assert client.answer[-1][0] == 0


@pytest.mark.parametrize(
    ("client", "app"),
    [
        (Client([(0, b"a")], is_whole=True), reading()),
        (Client([], headers={}), refuse),
        (Client([], headers={b"content-length": b"0"}), refuse),
    ],
)
def test_an_answer_to_a_complete_request_is_unchanged(client: Client, app: ASGIApp) -> None:
    client.call(app)
    (_, start), (_, body) = client.answer
    assert start["headers"] == []
    assert body == {"type": "http.response.body", "body": b"refused"}
