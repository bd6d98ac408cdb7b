"""What the routes that take uploads share: the errors, the work of a track, its suggestions."""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import Request

from app.api.dependencies import services_of
from app.api.schemas.parameters import SuggestParameters
from app.api.schemas.tags import ModelOut, SuggestionOut, SuggestTags
from app.audio.duration_estimate import estimate_duration_s
from app.domain import Taggram
from app.errors import Kind
from app.tagging.admission import Permit
from app.tagging.pooling import Pooling
from app.tagging.projection import Projection
from app.tagging.suggest import suggest
from app.tagging.tagger import Track

UPLOAD_ERRORS = (
    Kind.MALFORMED_REQUEST,
    Kind.REQUEST_TIMEOUT,
    Kind.INVALID_PARAMETER,
    Kind.PAYLOAD_TOO_LARGE,
    Kind.UNSUPPORTED_MEDIA_TYPE,
    Kind.UNKNOWN_MODEL,
    Kind.UNKNOWN_VOCABULARY,
    Kind.OVERLOADED,
    Kind.NOT_READY,
    Kind.DEADLINE_EXCEEDED,
    Kind.ENGINE_FAILED,
)
"""Errors of a request with uploads."""

TRACK_ERRORS = (
    Kind.UNSUPPORTED_AUDIO,
    Kind.UNDECODABLE_AUDIO,
    Kind.AUDIO_TOO_SHORT,
    Kind.AUDIO_TOO_LONG,
    Kind.SILENT_AUDIO,
)
"""Errors of a file that was received."""


def start_work(track: Track, permit: Permit) -> Track:
    """Return a received track with its work, which its permit now counts."""
    return replace(track, work=permit.mark_received(estimate_duration_s(track.file)))


def describe_track(
    request: Request,
    query: SuggestParameters,
    projection: Projection,
    taggrams: list[Taggram],
    *,
    cached: bool,
) -> SuggestTags:
    """Return the suggestions for a track, and count them.

    Its scores are appended to the catalogue, if there is one.
    """
    services = services_of(request)
    if appender := services.appender:
        appender.add(taggrams, projection.models)
    suggestions = suggest(
        projection,
        taggrams,
        pooling=query.pooling,
        top_k=query.top_k,
        threshold=query.threshold,
    )
    vocabulary, confidence = projection.vocabulary, projection.confidence(taggrams)
    refs = [manifest.ref for manifest in projection.models]
    services.metrics.predictions.suggested(vocabulary.name, refs, suggestions, confidence)
    models = [ModelOut.of(ref) for ref in refs]
    track_id = taggrams[0].key.track_id
    return SuggestTags(
        track_id=track_id,
        duration_s=round(taggrams[0].duration_s, 3),
        damaged=taggrams[0].announced_s is not None,
        announced_s=taggrams[0].announced_s,
        model=models[0],
        models=models,
        vocabulary=vocabulary.name,
        vocabulary_version=vocabulary.version,
        pooling=query.pooling,
        confidence=confidence,
        suggestions=[SuggestionOut.of(suggestion) for suggestion in suggestions],
        cached=cached,
        taggram_url=_taggram_url(request, track_id, query),
    )


def _taggram_url(request: Request, track_id: str, query: SuggestParameters) -> str:
    parameters = {"track_id": track_id, "vocabulary": query.vocabulary}
    if query.pooling is not Pooling.MEAN:
        parameters["pooling"] = query.pooling
    if query.model is not None:
        parameters["model"] = query.model
    return f"{request.scope.get('root_path', '')}/taggram?{urlencode(parameters)}"
