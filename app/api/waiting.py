"""Work lasts as long as somebody waits for it: until its client leaves, or its time is over."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api.dependencies import services_of
from app.errors import Kind, RequestError

Answer = TypeVar("Answer")


async def waited_for(request: Request, work: Coroutine[None, None, Answer]) -> Answer:
    """Do the work that a request asks for; its body must have been read.

    Raises:
        RequestError: `deadline_exceeded`.
        ClientDisconnect: The client left.
    """
    services = services_of(request)
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        async with asyncio.timeout(services.settings.deadline_s):
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            services.metrics.upload_dropped("left")
            raise ClientDisconnect
        return working.result()
    except TimeoutError:
        services.metrics.upload_dropped("expired")
        raise RequestError(
            Kind.DEADLINE_EXCEEDED, "Listening took too long. Try again later."
        ) from None
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
