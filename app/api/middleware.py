"""Around every request: an id, a clock, a line in the log, a last net for what nobody caught."""

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
"""nginx's status for a client that closed its connection before the answer; nobody gets it."""


class Observe:
    """Measures each request and marks each answer with `X-Request-ID` and `Server-Timing`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request; only HTTP is observed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.monotonic()
        clock = StageClock()
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {}).update(clock=clock, request_id=request_id)
        answered: list[int] = []

        async def marked_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered.append(message["status"])
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["Server-Timing"] = _server_timing(clock, time.monotonic() - start)
            await send(message)

        try:
            await self._app(scope, receive, marked_send)
        except ClientDisconnect:
            answered.append(CLIENT_LEFT)
        except Exception:
            log.exception("request %s broke", request_id)
            if not answered:
                await self._answer_internal_error(scope, receive, marked_send)
        finally:
            seconds = time.monotonic() - start
            self._done(scope, answered[0] if answered else CLIENT_LEFT, seconds, clock, request_id)

    async def _answer_internal_error(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = RequestError(
            Kind.INTERNAL_ERROR, "This is our fault. Report it with the request id."
        )
        await problem_response(Request(scope), error)(scope, receive, send)

    def _done(
        self, scope: Scope, status: int, seconds: float, clock: StageClock, request_id: str
    ) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.request_done(method, route, status, seconds, clock)
        log.info("%s %s %s in %.3f s, request %s", method, route, status, seconds, request_id)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _server_timing(clock: StageClock, total_s: float) -> str:
    stages = [
        f"{stage};dur={clock.seconds[stage] * 1000:.1f}"
        for stage in Stage
        if stage in clock.seconds
    ]
    return ", ".join([*stages, f"total;dur={total_s * 1000:.1f}"])
