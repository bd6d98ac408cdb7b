"""`POST /suggest-tags`: suggests tags for an uploaded track."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request

from app.api.dependencies import ClockDep, ServicesDep, client_of
from app.api.problems import document_errors
from app.api.schemas.parameters import SuggestParameters
from app.api.schemas.tags import ModelOut, SuggestionOut, SuggestTags
from app.api.upload.receiving import OPENAPI_BODY, get_content_length, receive_upload
from app.api.upload.waiting import run_while_connected
from app.audio.duration_estimate import estimate_duration_s
from app.errors import Kind
from app.stages import Stage
from app.tagging.pooling import Pooling
from app.tagging.suggest import suggest

router = APIRouter(tags=["tagging"])


@router.post(
    "/suggest-tags",
    openapi_extra=OPENAPI_BODY,
    responses=document_errors(
        Kind.MALFORMED_REQUEST,
        Kind.REQUEST_TIMEOUT,
        Kind.INVALID_PARAMETER,
        Kind.PAYLOAD_TOO_LARGE,
        Kind.UNSUPPORTED_MEDIA_TYPE,
        Kind.UNSUPPORTED_AUDIO,
        Kind.UNDECODABLE_AUDIO,
        Kind.AUDIO_TOO_SHORT,
        Kind.AUDIO_TOO_LONG,
        Kind.SILENT_AUDIO,
        Kind.UNKNOWN_MODEL,
        Kind.UNKNOWN_VOCABULARY,
        Kind.OVERLOADED,
        Kind.NOT_READY,
        Kind.DEADLINE_EXCEEDED,
        Kind.ENGINE_FAILED,
    ),
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
    with services.admission.permit(client_of(request), get_content_length(request)) as permit:
        async with receive_upload(request, max_bytes, clock, permit.on_bytes) as received_track:
            work = permit.mark_received(estimate_duration_s(received_track.file))
            track = replace(received_track, work=work)
            inference = runtime.tagger.infer(track, projection.models, clock)
            taggrams, cached = await run_while_connected(
                request,
                inference,
                "The analysis took too long. Try again later.",
                services.metrics.upload_dropped,
            )
            if not cached:
                permit.mark_analysed()
    if services.appender:
        services.appender.add(taggrams, projection.models)
    with clock.stage(Stage.DERIVE):
        suggestions = suggest(
            projection,
            taggrams,
            pooling=query.pooling,
            top_k=query.top_k,
            threshold=query.threshold,
        )
        models = [ModelOut.of(manifest.ref) for manifest in projection.models]
        return SuggestTags(
            track_id=track.track_id,
            duration_s=round(taggrams[0].duration_s, 3),
            damaged=taggrams[0].announced_s is not None,
            announced_s=taggrams[0].announced_s,
            model=models[0],
            models=models,
            vocabulary=projection.vocabulary.name,
            vocabulary_version=projection.vocabulary.version,
            pooling=query.pooling,
            confidence=projection.confidence(taggrams),
            suggestions=[SuggestionOut.of(suggestion) for suggestion in suggestions],
            cached=cached,
            taggram_url=_taggram_url(request, track.track_id, query),
        )


def _taggram_url(request: Request, track_id: str, query: SuggestParameters) -> str:
    parameters = {"track_id": track_id, "vocabulary": query.vocabulary}
    if query.pooling is not Pooling.MEAN:
        parameters["pooling"] = query.pooling
    if query.model is not None:
        parameters["model"] = query.model
    return f"{request.scope.get('root_path', '')}/taggram?{urlencode(parameters)}"
