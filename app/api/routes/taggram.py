"""`GET /taggram`: the scores over time of a track that was analysed before."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Self

import mimeparse
import numpy as np
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from app.api.dependencies import ClockDep, ServicesDep, client_of
from app.api.problems import document_errors
from app.api.schemas.tags import Extra, ModelOut, TaggramOut, TaggramParameters
from app.api.upload.waiting import run_while_connected
from app.domain import PEAK_FULL_SCALE, Level, Peaks, Taggram
from app.errors import Kind
from app.stages import Stage
from app.tagging.projection import Projection
from app.tagging.table import tabulate
from app.tagging.timeline import Timeline, select_timeline

router = APIRouter(tags=["tagging"])

JSON, PNG, CSV = "application/json", "image/png", "text/csv"
BY_RISING_PREFERENCE = (CSV, PNG, JSON)

HEADERS = {"Vary": "Accept", "Cache-Control": "private, no-cache"}

RENDERER = version("taggram"), version("matplotlib")
"""Versions on which the look of a picture depends, besides the scores."""


@router.head("/taggram", include_in_schema=False)
@router.get(
    "/taggram",
    response_model=TaggramOut,
    responses={
        200: {"content": {PNG: {}, CSV: {}}, "description": "In the format of the Accept header."},
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
async def taggram(
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
            shape = _Picture.of(query, shown, projection)
            if _matches(shape.etag, if_none_match):
                return _unchanged(shape.etag)
            drawing = services.pictures.picture(client_of(request), shape.etag, shape.draw)
            body = await run_while_connected(
                request, drawing, "Drawing took too long. Try again later.", _ignore
            )
            return _response(body, PNG, shape.etag)
        body = await asyncio.to_thread(_render, media_type, query, shown, projection, taggrams)
    etag = _etag(body)
    if _matches(etag, if_none_match):
        return _unchanged(etag)
    return _response(body, media_type, etag)


def _ignore(reason: str) -> None:
    """Do not count an abandoned picture as an abandoned upload."""


def _etag(content: bytes) -> str:
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def _response(body: bytes, media_type: str, etag: str) -> Response:
    return Response(body, media_type=media_type, headers={**HEADERS, "ETag": etag})


def _unchanged(etag: str) -> Response:
    headers = {**HEADERS, "ETag": etag, "Vary": "Accept, Accept-Encoding"}
    return Response(status_code=304, headers=headers)


@dataclass(frozen=True, eq=False)
class _Picture:
    """The content of a picture.

    Attributes:
        shown: The scores.
        rows: The labels of its rows.
        title: The title above it.
        etag: Identifies the content, before the picture is drawn.
    """

    shown: Timeline
    rows: list[str]
    title: str
    etag: str

    @classmethod
    def of(cls, query: TaggramParameters, shown: Timeline, projection: Projection) -> Self:
        rows = _rows(shown, projection)
        title = f"{projection.vocabulary.name}, track {query.track_id[:12]}"
        content = json.dumps([RENDERER, title, rows, shown.times_s, shown.window_s])
        return cls(shown, rows, title, _etag(content.encode() + shown.scores.tobytes()))

    def draw(self) -> bytes:
        """Return the picture in PNG."""
        from app.tagging.picture import draw  # noqa: PLC0415 - takes half a second, rarely needed

        shown = self.shown
        return draw(shown.times_s, shown.window_s, self.rows, shown.scores, self.title)


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


def _render(
    media_type: str,
    query: TaggramParameters,
    shown: Timeline,
    projection: Projection,
    taggrams: Sequence[Taggram],
) -> bytes:
    if media_type == CSV:
        return tabulate(shown.times_s, _names(shown), shown.scores).encode()
    return _answer(query, shown, projection, taggrams).model_dump_json().encode()


def _answer(
    query: TaggramParameters,
    shown: Timeline,
    projection: Projection,
    taggrams: Sequence[Taggram],
) -> TaggramOut:
    models = [ModelOut.of(manifest.ref) for manifest in projection.models]
    return TaggramOut(
        track_id=query.track_id,
        duration_s=round(taggrams[0].duration_s, 3),
        damaged=taggrams[0].announced_s is not None,
        announced_s=taggrams[0].announced_s,
        model=models[0],
        models=models,
        vocabulary=projection.vocabulary.name,
        vocabulary_version=projection.vocabulary.version,
        window_s=shown.window_s,
        hop_s=shown.hop_s,
        times_s=shown.times_s,
        pooling=query.pooling,
        confidence=projection.confidence(taggrams),
        tags=_names(shown),
        labels=_labels(shown, projection),
        levels=[row.level for row in shown.rows],
        scores=_rounded(shown.scores),
        mean_scores=_rounded(shown.mean_scores),
        pooled_scores=_rounded(shown.pooled_scores),
        peaks=_peaks(taggrams[0].peaks) if query.include is Extra.PEAKS else None,
    )


def _names(shown: Timeline) -> list[str]:
    return [row.name for row in shown.rows]


def _labels(shown: Timeline, projection: Projection) -> list[str]:
    return [projection.vocabulary.label(row.name) for row in shown.rows]


def _rows(shown: Timeline, projection: Projection) -> list[str]:
    """Return labels for a picture, with genres marked."""
    return [
        f"{label} (genre)" if row.level is Level.GENRE else label
        for row, label in zip(shown.rows, _labels(shown, projection), strict=True)
    ]


def _rounded(scores: np.ndarray) -> list[float]:
    """Round to six decimals, which is finer than the models' noise and half the bytes."""
    rounded: list[float] = scores.astype(np.float64).round(6).tolist()
    return rounded


def _peaks(peaks: Peaks) -> list[tuple[float, float]]:
    """Return fractions of full scale; three decimals are finer than the 8 bits stored."""
    pairs: list[tuple[float, float]] = (peaks / PEAK_FULL_SCALE).round(3).tolist()
    return pairs
