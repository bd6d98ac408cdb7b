"""Runs the work of a request until its client disconnects or its deadline passes."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Literal, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api.dependencies import services_of
from app.errors import Kind, RequestError

Answer = TypeVar("Answer")

OnDrop = Callable[[Literal["left", "expired"]], None]


async def run_while_connected(
    request: Request, work: Coroutine[None, None, Answer], timeout_detail: str, on_drop: OnDrop
) -> Answer:
    """Run the work of a request, and return its result.

    Args:
        request: The request, which is watched for a disconnect. Its body must have been read.
        work: The work; it is cancelled on a disconnect and at the deadline.
        timeout_detail: The error detail if the deadline passes.
        on_drop: Is called with the reason if the work is cancelled.

    Raises:
        RequestError: `deadline_exceeded`.
        ClientDisconnect: The client disconnected.
        Exception: The error of the work.
    """
    services = services_of(request)
    working = asyncio.create_task(work)
    disconnect = asyncio.create_task(_wait_for_disconnect(request))
    try:
        done, _ = await asyncio.wait(
            {working, disconnect},
            timeout=services.settings.deadline_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if working in done:
            return working.result()
        if disconnect in done:
            on_drop("left")
            raise ClientDisconnect
        on_drop("expired")
        raise RequestError(Kind.DEADLINE_EXCEEDED, timeout_detail)
    finally:
        working.cancel()
        disconnect.cancel()
        await asyncio.gather(working, disconnect, return_exceptions=True)


def not_counted(reason: str) -> None:
    """Count nothing, for work that is not an upload: an `OnDrop`."""


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
