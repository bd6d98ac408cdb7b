"""`POST /suggest-tags/pooled`: suggests tags for an artist, from several uploaded tracks."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api.analysis import TRACK_ERRORS, UPLOAD_ERRORS, describe_track, start_work
from app.api.dependencies import ClockDep, ServicesDep, client_of
from app.api.problems import TITLE, document_errors
from app.api.schemas.parameters import SuggestParameters
from app.api.schemas.tags import ModelOut, PooledTags, PooledTrack, ScoredTag, TrackProblem
from app.api.upload.multipart import MAX_FILES, SizeLimits
from app.api.upload.receiving import Upload, describe_form, get_content_length, receive_uploads
from app.api.upload.waiting import run_while_connected
from app.domain import Taggram
from app.errors import Kind, RequestError
from app.services import Runtime
from app.stages import Stage, StageClock
from app.tagging.admission import Permit
from app.tagging.projection import Projection
from app.tagging.suggest import suggest_pooled
from app.tagging.tagger import Track

router = APIRouter(tags=["tagging"])


@dataclass(frozen=True)
class _Read:
    """A track that was read.

    Attributes:
        taggrams: The taggram of each model.
        cached: Whether all came from the cache.
    """

    taggrams: list[Taggram]
    cached: bool


@dataclass(frozen=True)
class _Group:
    """Identical files.

    Attributes:
        upload: The first of them.
        files: The positions of all in the form, from 1.
    """

    upload: Upload
    files: list[int]


_Result = _Read | RequestError


@router.post(
    "/suggest-tags/pooled",
    openapi_extra=describe_form(MAX_FILES),
    responses=document_errors(*UPLOAD_ERRORS, Kind.NO_READABLE_TRACK),
)
async def suggest_pooled_tags(
    request: Request,
    query: Annotated[SuggestParameters, Query()],
    services: ServicesDep,
    clock: ClockDep,
) -> PooledTags:
    """Analyse up to ten tracks of an artist and suggest tags by their mean scores over the tracks.

    Each track has its own suggestions too, or the reason why it could not be read. Tracks that
    can't be read don't count. Identical files count once.
    """
    runtime, settings = services.runtime, services.settings
    projection = runtime.catalog.projection(query.vocabulary, query.model)
    limits = SizeLimits(MAX_FILES, settings.max_upload_bytes, settings.max_pooled_bytes)
    with services.admission.permit(client_of(request), get_content_length(request)) as permit:
        async with receive_uploads(request, limits, clock, permit.on_bytes) as uploads:
            groups = _group(uploads)
            results = await run_while_connected(
                request,
                _infer_all(runtime, projection, [group.upload for group in groups], permit, clock),
                "The analysis took too long. Send the tracks again: those that are analysed are "
                "answered from the cache.",
                services.metrics.upload_dropped,
            )
    with clock.stage(Stage.DERIVE):
        tracks = [
            _describe(request, query, projection, group.files, result)
            for group, result in zip(groups, results, strict=True)
        ]
        read = [result.taggrams for result in results if isinstance(result, _Read)]
        for result in results:
            if isinstance(result, RequestError):
                services.metrics.error(result.kind)
        if not read:
            raise _no_readable_track(tracks)
        return _pool(query, projection, read, tracks)


async def _infer_all(
    runtime: Runtime,
    projection: Projection,
    uploads: Sequence[Upload],
    permit: Permit,
    clock: StageClock,
) -> list[_Result]:
    """Return the result of each upload.

    One track at a time is decoded, so that such a request needs no more memory than others. All
    that were kept count as work that waits.
    """
    kept = [upload.track for upload in uploads if upload.problem is None]
    with ExitStack() as held:
        permits = [permit, *(held.enter_context(permit.next_track()) for _ in kept[1:])]
        started = [start_work(*pair) for pair in zip(kept, permits, strict=False)]
        waiting = zip(started, permits, strict=False)
        return [
            upload.problem or await _infer_or_problem(runtime, projection, *next(waiting), clock)
            for upload in uploads
        ]


async def _infer_or_problem(
    runtime: Runtime, projection: Projection, track: Track, permit: Permit, clock: StageClock
) -> _Result:
    """Return the result of a track.

    Raises:
        RequestError: An error that does not concern the file, such as `overloaded`.
    """
    try:
        taggrams, cached = await runtime.tagger.infer(track, projection.models, clock)
    except RequestError as error:
        if error.kind not in TRACK_ERRORS:
            raise
        return error
    if not cached:
        permit.mark_analysed()
    return _Read(taggrams, cached)


def _group(uploads: Sequence[Upload]) -> list[_Group]:
    """Group identical files, in the order of the form."""
    groups: dict[tuple[str, bool], _Group] = {}
    for position, upload in enumerate(uploads, 1):
        # The hash of a file that is too large is that of its beginning.
        key = upload.track.track_id, upload.problem is None
        groups.setdefault(key, _Group(upload, [])).files.append(position)
    return list(groups.values())


def _describe(
    request: Request,
    query: SuggestParameters,
    projection: Projection,
    files: list[int],
    result: _Result,
) -> PooledTrack:
    if isinstance(result, RequestError):
        problem = TrackProblem(
            type=f"/problems/{result.kind}", title=TITLE[result.kind], detail=result.detail
        )
        return PooledTrack(files=files, suggested=None, problem=problem)
    suggested = describe_track(request, query, projection, result.taggrams, cached=result.cached)
    return PooledTrack(files=files, suggested=suggested, problem=None)


def _no_readable_track(tracks: Sequence[PooledTrack]) -> RequestError:
    listed = [track.model_dump(mode="json", exclude={"suggested"}) for track in tracks]
    reasons = "; ".join(
        f"file {', '.join(map(str, track.files))}: {track.problem.title.lower()}"
        for track in tracks
        if track.problem
    )
    detail = f"None of the tracks can be read ({reasons}). `tracks` says what to do for each."
    return RequestError(Kind.NO_READABLE_TRACK, detail, {"tracks": listed})


def _pool(
    query: SuggestParameters,
    projection: Projection,
    read: Sequence[Sequence[Taggram]],
    tracks: list[PooledTrack],
) -> PooledTags:
    suggestions = suggest_pooled(
        projection, read, pooling=query.pooling, top_k=query.top_k, threshold=query.threshold
    )
    models = [ModelOut.of(manifest.ref) for manifest in projection.models]
    return PooledTags(
        model=models[0],
        models=models,
        vocabulary=projection.vocabulary.name,
        vocabulary_version=projection.vocabulary.version,
        pooling=query.pooling,
        tracks_read=len(read),
        suggestions=[ScoredTag.of(suggestion) for suggestion in suggestions],
        tracks=tracks,
    )
