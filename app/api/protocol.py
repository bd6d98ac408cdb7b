"""Connections, bounded in bytes, in time and in number: uvicorn leaves all three open.

    idle -> head -> body -> answer -> idle
             |       |        |
             +-------+--------+-> closing, where something comes that nobody will read

A phase sets one timer of the event loop, whose clock no change of the date moves. A chunk sets
none: its bytes are added up.
"""

import resource
import socket
from asyncio import BaseTransport, TimerHandle
from collections.abc import Callable
from typing import Any, ClassVar, cast

from httptools import HttpParserError, HttpParserUpgrade
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.arrival import Arrival, malformed, refusal, too_late_a_head, too_long_a_head
from app.api.plain_answers import plain_answer
from app.errors import Kind, RequestError
from app.metrics import Metrics
from app.settings import Settings

CLOSING_S = 2
CLOSING_BYTES = 2**26
"""For so long, and so much, what nobody will read is thrown away: whoever is sending while his
connection is closed gets a reset instead of his answer."""


OVERFRAMED = "sizes of chunks, their extensions and trailers outweigh the body"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, within the bounds that `bounded` sets for one server."""

    settings: ClassVar[Settings]
    metrics: ClassVar[Metrics]
    max_connections: ClassVar[int]
    idle: ClassVar[dict["BoundedProtocol", None]]
    """The connections on which no request is worked on, those first that became so first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._application = self.app
        self.app = cast("Any", self._run)
        self.url = b""
        self._arrival = Arrival(self.settings)
        self._refusal: RequestError | None = None
        self._is_deaf = False
        self._dropped_bytes = 0
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Take a connection in; where there are too many, in the place of the idlest."""
        super().connection_made(cast("Any", transport))
        self._give_up_answers_that_nobody_takes()
        if len(self.connections) > self.max_connections:
            if not self.idle:
                self._refuse(RequestError(Kind.OVERLOADED, "Too many call. Try again soon."))
                return
            idlest = next(iter(self.idle))
            del self.idle[idlest]
            idlest.transport.abort()
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.idle.pop(self, None)
        self._watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, or throw it away where nobody will read it."""
        if self._is_deaf:
            self._drop(len(data))
            return
        self._unset_keepalive_if_required()
        self._arrival.chunk_came(len(data))
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            self._is_deaf = True  # what follows is in another language
        except HttpParserError as error:
            self._refuse(refusal(error))
        else:
            if self._arrival.is_mostly_framing:
                is_head = self in self.idle
                self._refuse(too_long_a_head(self.url) if is_head else malformed(OVERFRAMED))

    def on_message_begin(self) -> None:
        """Begin a request; one that comes before the answer to the last is not heard."""
        if self._is_answering:
            raise malformed("a request came before the answer to the last")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Give the request to the application."""
        self._arrival.head_came(self.url, self.headers, self.loop.time())
        super().on_headers_complete()
        self.idle.pop(self, None)
        self._await_body()

    def on_body(self, body: bytes) -> None:
        """Give it a piece of the body."""
        super().on_body(body)
        self._arrival.body_came(len(body), is_paused=self.flow.read_paused)

    def on_message_complete(self) -> None:
        """All of the request is here; the answer takes as long as the application lets it."""
        super().on_message_complete()
        self._watch()

    def on_response_complete(self) -> None:
        """All of the answer is on its way."""
        if self._is_deaf and not self.transport.is_closing():
            self._close()
        else:
            super().on_response_complete()
            self._await_request()

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stand between uvicorn and the application."""
        cycle = self.cycle

        async def receive_or_refuse() -> Message:
            message = await receive()
            if self._refusal is not None and cycle.more_body:
                raise self._refusal
            return message

        async def send_and_close(message: Message) -> None:
            self._is_deaf |= cycle.more_body
            if self._is_deaf and message["type"] == "http.response.start":
                cycle.keep_alive = False  # so uvicorn says `Connection: close`,
                await send(message)
                cycle.keep_alive = True  # and leaves the closing to us
            else:
                await send(message)

        await cast("Any", self._application)(scope, receive_or_refuse, send_and_close)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, error: RequestError) -> None:
        """Hear no more; the application is told where it reads on, else the client at once."""
        self._is_deaf = True
        if self._is_answering:
            self._refusal = error
            self.cycle.message_event.set()
        else:
            self.transport.write(plain_answer(error, self.metrics))
            self._close()

    def _close(self) -> None:
        self._is_deaf = True
        self.idle[self] = None
        self.flow.resume_reading()
        self.transport.write_eof()
        self._watch(CLOSING_S, self.transport.abort)

    def _drop(self, size: int) -> None:
        self._dropped_bytes += size
        if self._dropped_bytes > CLOSING_BYTES:
            self.transport.abort()

    def _watch(self, seconds: float = 0, look: Callable[[], object] | None = None) -> None:
        """Look after so long; nothing else is looked after any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if look is None else self.loop.call_later(seconds, look)

    def _await_request(self) -> None:
        self.idle[self] = None
        self._arrival = Arrival(self.settings)
        self._watch(self.settings.header_timeout_s, self._look_for_request)

    def _look_for_request(self) -> None:
        if self._arrival.framing_bytes:
            self._refuse(too_late_a_head())
        else:
            self.transport.close()

    def _await_body(self) -> None:
        now_s = self.loop.time()
        window_s = self._arrival.next_look_s(now_s, is_paused=self.flow.read_paused)
        self._watch(window_s, self._look_for_body)

    def _look_for_body(self) -> None:
        try:
            self._arrival.check_pace(self.loop.time())
        except RequestError as error:
            self._refuse(error)
        else:
            self._await_body()

    def _give_up_answers_that_nobody_takes(self) -> None:
        """Have the kernel break off where what we send stays on our side for too long."""
        connection: socket.socket = self.transport.get_extra_info("socket")
        milliseconds = round(self.settings.stall_timeout_s * 1000)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def bounded(settings: Settings, metrics: Metrics) -> type[BoundedProtocol]:
    """The protocol of one server, for uvicorn's `http`."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    bounds = {
        "settings": settings,
        "metrics": metrics,
        "max_connections": min(settings.max_connections, descriptors // 2),
        "idle": {},
    }
    return type("Protocol", (BoundedProtocol,), bounds)
