"""`GET /uploads/{request_id}/stages`: what the service does with an upload, as it does it."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.middleware import SANE_REQUEST_ID
from app.api.problems import documented
from app.api.schemas import StageOut
from app.api.watching import Upload, Uploads
from app.errors import Kind

router = APIRouter(tags=["tagging"])


async def _watched(
    request: Request,
    request_id: Annotated[
        str,
        Path(
            pattern=f"^{SANE_REQUEST_ID.pattern}$",
            description="The X-Request-ID of a POST /suggest-tags that is not answered yet. "
            "Make it random: whoever knows it can watch.",
        ),
    ],
) -> AsyncIterator[Upload]:
    """A dependency, as a refusal is none any more once the stream has begun."""
    uploads: Uploads = request.app.state.uploads
    with uploads.watched(request_id) as upload:
        yield upload


@router.get(
    "/uploads/{request_id}/stages",
    response_class=EventSourceResponse,
    responses=documented(Kind.NOT_FOUND, Kind.INVALID_PARAMETER, Kind.OVERLOADED),
)
async def stages(upload: Annotated[Upload, Depends(_watched)]) -> AsyncIterator[ServerSentEvent]:
    """Watch an upload: an event `stage` at once and at each new stage, until it is answered.

    The stages are `receive`, `queue`, `decode`, `infer` and `derive`, as in `Server-Timing`, each
    told once and in this order. An upload whose audio is heard for an identical one already stays
    at `receive`.
    """
    async for stage in upload.stages():
        yield ServerSentEvent(event="stage", data=StageOut(stage=stage))
