"""`GET /taggram`: the scores over time of a track that was analysed before."""

import asyncio
from typing import Annotated

import mimeparse
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from app.api.dependencies import ClockDep, ServicesDep, client_of
from app.api.problems import document_errors
from app.api.schemas.parameters import TaggramParameters
from app.api.schemas.tags import TaggramOut
from app.api.taggram_bodies import CSV, JSON, PNG, Picture, etag_of, render
from app.api.upload.waiting import not_counted, run_while_connected
from app.errors import Kind
from app.stages import Stage
from app.tagging.timeline import select_timeline

router = APIRouter(tags=["tagging"])

BY_RISING_PREFERENCE = (CSV, PNG, JSON)

HEADERS = {"Vary": "Accept", "Cache-Control": "private, no-cache"}

_IMAGE = {"schema": {"type": "string", "format": "binary"}}

_TABLE = {
    "schema": {"type": "string"},
    "example": "time_s,Ambient\r\n0.000,0.310000\r\n2.992,0.330000\r\n",
}


@router.head("/taggram", include_in_schema=False)
@router.get(
    "/taggram",
    response_model=TaggramOut,
    responses={
        200: {
            "content": {PNG: _IMAGE, CSV: _TABLE},
            "description": "In the format of the Accept header.",
        },
        304: {"description": "The ETag in If-None-Match is still current."},
        **document_errors(
            Kind.INVALID_PARAMETER,
            Kind.UNKNOWN_TRACK,
            Kind.UNKNOWN_MODEL,
            Kind.UNKNOWN_VOCABULARY,
            Kind.OVERLOADED,
            Kind.NOT_READY,
            Kind.DEADLINE_EXCEEDED,
        ),
    },
)
async def get_taggram(
    request: Request,
    query: Annotated[TaggramParameters, Query()],
    services: ServicesDep,
    clock: ClockDep,
    accept: Annotated[str, Header()] = JSON,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Return a track's tags over time, as JSON, a picture or a table, without a new analysis.

    A tag's pooled score over the whole track is its score in POST /suggest-tags with the same
    `pooling`. `include=peaks` adds the waveform to JSON; pictures and tables ignore it.
    """
    runtime = services.runtime
    projection = runtime.catalog.projection(query.vocabulary, query.model)
    taggrams = await runtime.tagger.recall(query.track_id, projection.models)
    with clock.stage(Stage.DERIVE):
        shown = select_timeline(
            projection.score(taggrams),
            pooling=query.pooling,
            top=query.top,
            start_s=query.start_s,
            end_s=query.end_s,
        )
        media_type = _negotiate(accept)
        if media_type == PNG:
            picture = Picture.of(query, shown, projection)
            if _matches(picture.etag, if_none_match):
                return _unchanged(picture.etag)
            drawing = services.pictures.picture(client_of(request), picture.etag, picture.draw)
            body = await run_while_connected(
                request, drawing, "Drawing took too long. Try again later.", not_counted
            )
            return _response(body, PNG, picture.etag)
        body = await asyncio.to_thread(render, media_type, query, shown, projection, taggrams)
    etag = etag_of(body)
    if _matches(etag, if_none_match):
        return _unchanged(etag)
    return _response(body, media_type, etag)


def _response(body: bytes, media_type: str, etag: str) -> Response:
    return Response(body, media_type=media_type, headers={**HEADERS, "ETag": etag})


def _unchanged(etag: str) -> Response:
    headers = {**HEADERS, "ETag": etag, "Vary": "Accept, Accept-Encoding"}
    return Response(status_code=304, headers=headers)


def _matches(etag: str, if_none_match: str) -> bool:
    """Compare weakly, as in RFC 9110, section 13.1.2."""
    etags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in etags or etag.removeprefix("W/") in etags


def _negotiate(accept: str) -> str:
    """Return the preferred of the available media types; JSON if none is acceptable."""
    try:
        return mimeparse.best_match(BY_RISING_PREFERENCE, accept) or JSON
    except mimeparse.MimeTypeParseException:
        return JSON
