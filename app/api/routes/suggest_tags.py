"""`POST /suggest-tags`: suggests tags for an uploaded track."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api.analysis import TRACK_ERRORS, UPLOAD_ERRORS, describe_track, start_work
from app.api.dependencies import ClockDep, ServicesDep, client_of
from app.api.problems import document_errors
from app.api.schemas.parameters import SuggestParameters
from app.api.schemas.tags import SuggestTags
from app.api.upload.multipart import SizeLimits
from app.api.upload.receiving import describe_form, get_content_length, receive_uploads
from app.api.upload.waiting import run_while_connected
from app.stages import Stage

router = APIRouter(tags=["tagging"])


@router.post(
    "/suggest-tags",
    openapi_extra=describe_form(),
    responses=document_errors(*UPLOAD_ERRORS, *TRACK_ERRORS),
)
async def suggest_tags(
    request: Request,
    query: Annotated[SuggestParameters, Query()],
    services: ServicesDep,
    clock: ClockDep,
) -> SuggestTags:
    """Analyse a track and suggest tags of a vocabulary, with the moments that support them.

    A track that was analysed before is answered from the cache.
    """
    runtime = services.runtime
    projection = runtime.catalog.projection(query.vocabulary, query.model)
    max_bytes = services.settings.max_upload_bytes
    limits = SizeLimits(1, max_bytes, max_bytes)
    with services.admission.permit(client_of(request), get_content_length(request)) as permit:
        async with receive_uploads(request, limits, clock, permit.on_bytes) as (upload,):
            track = start_work(upload.track, permit)
            taggrams, cached = await run_while_connected(
                request,
                runtime.tagger.infer(track, projection.models, clock),
                "The analysis took too long. Try again later.",
                services.metrics.upload_dropped,
            )
            if not cached:
                permit.mark_analysed()
    with clock.stage(Stage.DERIVE):
        return describe_track(request, query, projection, taggrams, cached=cached)
