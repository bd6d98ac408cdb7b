"""Adds an id, a clock and a log line to each request; answers unhandled exceptions with 500."""

import logging
import re
import time
import uuid

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.errors import Kind, RequestError
from app.metrics import Metrics
from app.stages import Stage, StageClock

log = logging.getLogger(__name__)

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
CLIENT_LEFT = 499
"""nginx's status for a client that closed its connection before the response; it is only logged."""


class Observe:
    """Measures each request and adds `X-Request-ID` and `Server-Timing` to each response."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request; only HTTP is observed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass  # `_done` logs it with the status `CLIENT_LEFT`
        except Exception:
            log.exception("a request failed", extra={"request_id": exchange.request_id})
            if exchange.status is None:
                await self._answer_internal_error(scope, exchange)
        finally:
            self._done(scope, exchange)

    async def _answer_internal_error(self, scope: Scope, exchange: "_Exchange") -> None:
        error = RequestError(
            Kind.INTERNAL_ERROR,
            "The service failed on a valid request. Report it with the request id.",
        )
        response = problem_response(Request(scope), error)
        await response(scope, exchange.receive, exchange.send)

    def _done(self, scope: Scope, exchange: "_Exchange") -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        status = exchange.status or CLIENT_LEFT
        seconds = exchange.seconds()
        self._metrics.request_done(method, route, status, seconds, exchange.clock)
        # Nothing that the client sent is logged: no path, no query, no file name.
        log.info(
            "request",
            extra={
                "request_id": exchange.request_id,
                "client": scope["state"].get("client"),
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 4),
                "stages_ms": exchange.stages_ms(),
                "error": scope["state"].get("error"),
                "bytes_received": exchange.bytes_received,
            },
        )


class _Exchange:
    """A request and its response, with their id, times and sizes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.clock = StageClock()
        self.request_id = _request_id(Headers(scope=scope))
        self.status: int | None = None
        self.bytes_received = 0
        self._start = time.monotonic()
        self._receive = receive
        self._send = send
        scope.setdefault("state", {}).update(clock=self.clock, request_id=self.request_id)

    async def receive(self) -> Message:
        """Return the next message of the request, and count its bytes."""
        message = await self._receive()
        self.bytes_received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the response, with the request's id and times in its headers.

        Raises:
            ClientDisconnect: The server has closed the connection.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["Server-Timing"] = self._server_timing()
        try:
            await self._send(message)
        except Exception as error:
            # The server has closed the connection: it answers malformed HTTP by itself.
            log.warning("a response could not be sent: %s", error)
            raise ClientDisconnect from error

    def seconds(self) -> float:
        """Return the time since the request began."""
        return time.monotonic() - self._start

    def stages_ms(self) -> dict[str, float]:
        """Return the milliseconds of each stage that was entered, in stage order."""
        seconds = self.clock.seconds
        return {stage: round(seconds[stage] * 1000, 1) for stage in Stage if stage in seconds}

    def _server_timing(self) -> str:
        stages = [f"{stage};dur={ms:.1f}" for stage, ms in self.stages_ms().items()]
        return ", ".join([*stages, f"total;dur={self.seconds() * 1000:.1f}"])


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
