"""Refuses bodies that arrive too slowly, and discards what a response leaves unread.

The server passes a body on at the pace of the client, and closes the connection once the response
is complete. A client that is still sending then gets a reset, often instead of the response.
"""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Kind, RequestError
from app.settings import Settings

DISCARD_S = 2.0
DISCARD_BYTES = 2**26
"""The most bytes that are read of a body after its response."""


class BodyLimits:
    """Enforces `stall_timeout_s`, `min_upload_rate` and `body_timeout_s` for each body."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, self._settings)
        await self._app(scope, body.receive, body.send)
        await body.finish()


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class _Body:
    """A request body that is being received, and the response to it.

    Only time in which the application waits for the body counts: at other times the client may be
    unable to send.
    """

    def __init__(self, receive: Receive, send: Send, settings: Settings) -> None:
        self._receive = receive
        self._send = send
        self._settings = settings
        self._is_complete = False
        self._holds_end_back = False
        self._waited_s = 0.0
        self._window_s = 0.0
        self._window_bytes = 0

    async def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            RequestError: `request_timeout`.
        """
        if self._is_complete:
            return await self._receive()
        while (message := await self._receive_in_time()) is None:
            self._check_pace()
        self._window_bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the response; `finish` sends its end if the body is not read yet."""
        if not self._is_complete:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            elif not message.get("more_body", False):
                self._holds_end_back = True
                message = {**message, "more_body": True}
        await self._send(message)

    async def finish(self) -> None:
        """End the response once the rest of the body is discarded, or exceeds the limit."""
        if self._holds_end_back:
            with suppress(TimeoutError):
                async with asyncio.timeout(DISCARD_S):
                    await self._discard()
            await self._send({"type": "http.response.body", "body": b""})

    async def _receive_in_time(self) -> Message | None:
        """Return the next message; None if a window or the total time ends before it arrives."""
        clock = asyncio.get_running_loop()
        begun_s = clock.time()
        window_s = self._settings.stall_timeout_s - self._window_s
        rest_s = self._settings.body_timeout_s - self._waited_s
        try:
            async with asyncio.timeout(min(window_s, rest_s)):
                return await self._receive()
        except TimeoutError:
            return None
        finally:
            self._waited_s += clock.time() - begun_s
            self._window_s += clock.time() - begun_s

    def _check_pace(self) -> None:
        """Check the rate of the current window, and begin another one."""
        if self._waited_s >= self._settings.body_timeout_s:
            raise _timeout("The body took too long")
        if self._window_bytes < self._settings.min_upload_rate * self._window_s:
            raise _timeout("The body came too slowly")
        self._window_s = 0.0
        self._window_bytes = 0

    async def _discard(self) -> None:
        discarded = 0
        while discarded <= DISCARD_BYTES:
            message = await self._receive()
            if not message.get("more_body", False):
                return
            discarded += len(message["body"])


def _timeout(problem: str) -> RequestError:
    advice = "Send a smaller file, or use a faster connection."
    return RequestError(Kind.REQUEST_TIMEOUT, f"{problem}. {advice}")
