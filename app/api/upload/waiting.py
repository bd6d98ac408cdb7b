"""Work lasts as long as somebody waits for it: until its client leaves, or its time is over."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Literal, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api.dependencies import services_of
from app.errors import Kind, RequestError

Answer = TypeVar("Answer")

Dropped = Callable[[Literal["left", "expired"]], None]


async def waited_for(
    request: Request, work: Coroutine[None, None, Answer], too_late: str, dropped: Dropped
) -> Answer:
    """Do the work that a request asks for; its body must have been read.

    Args:
        request: It is watched for its client's leaving.
        work: Is cancelled where nobody waits for it any more.
        too_late: What the client reads where its time is over.
        dropped: Is called where nobody waits any more.

    Raises:
        RequestError: `deadline_exceeded`.
        ClientDisconnect: The client left.
    """
    services = services_of(request)
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        done, _ = await asyncio.wait(
            {working, leaving},
            timeout=services.settings.deadline_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if working in done:
            return working.result()
        if leaving in done:
            dropped("left")
            raise ClientDisconnect
        dropped("expired")
        raise RequestError(Kind.DEADLINE_EXCEEDED, too_late)
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
