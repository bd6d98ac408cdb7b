"""`POST /feedback`: what became of suggested tags, or of recommended curators."""

from fastapi import APIRouter, Request, Response, status
from pydantic_core import from_json

from app.api.dependencies import ServicesDep
from app.api.problems import document_errors
from app.api.schemas import feedback as tag_feedback
from app.api.schemas import recommendation_feedback
from app.api.schemas.feedback import FeedbackIn, FeedbackOut
from app.api.schemas.recommendation_feedback import RecommendationFeedbackIn
from app.api.upload.json_body import (
    describe_json_body,
    parse_json_body,
    read_small_body,
    require_json,
)
from app.domain import Feedback, RecommendationFeedback
from app.errors import Kind
from app.services import Services

router = APIRouter(tags=["tagging"])

MAX_BYTES = 128 * 1024
"""Enough for a hundred curators with ids of a thousand ASCII characters; nginx allows no more."""


@router.post(
    "/feedback",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=describe_json_body(
        FeedbackIn,
        RecommendationFeedbackIn,
        tags=tag_feedback.EXAMPLE,
        recommendations=recommendation_feedback.EXAMPLE,
    ),
    responses={
        200: {"model": FeedbackOut, "description": "This feedback was stored before."},
        **document_errors(
            Kind.REQUEST_TIMEOUT,
            Kind.INVALID_PARAMETER,
            Kind.PAYLOAD_TOO_LARGE,
            Kind.UNSUPPORTED_MEDIA_TYPE,
            Kind.UNKNOWN_VOCABULARY,
            Kind.OVERLOADED,
        ),
    },
)
async def send_feedback(request: Request, response: Response, services: ServicesDep) -> FeedbackOut:
    """Report what became of suggested tags, or of recommended curators.

    Tags: which suggestions were shown, in which order, which were accepted, and added tags; send it
    once the artist is done. Curators, in a body with `recommendation_id`: who was sent a track, and
    how they answered; send later answers as new feedback, the latest one of a curator counts.

    Send feedback again with the same `id` if no response came. It is counted in the metrics, and
    stored if the operator configured a feedback file. Without a file no ids are stored, so that
    feedback sent twice is counted twice. The track may have left the cache.
    """
    require_json(request, "the feedback")
    given = _parse(await read_small_body(request, MAX_BYTES), services)
    is_new = services.feedback is None or await services.feedback.keep(given)
    if is_new:
        _count(given, services)
    else:
        response.status_code = status.HTTP_200_OK
    return FeedbackOut(id=given.id, kept=services.feedback is not None)


def _parse(body: bytes, services: Services) -> Feedback | RecommendationFeedback:
    """Return the feedback on curators if the body has `recommendation_id`, otherwise that on tags.

    Raises:
        RequestValidationError: The body is not valid JSON, or does not match the schema.
        RequestError: `unknown_vocabulary`.
    """
    if _has_recommendation_id(body):
        return parse_json_body(body, RecommendationFeedbackIn).to_domain()
    on_tags = parse_json_body(body, FeedbackIn)
    services.catalog.check_vocabulary(on_tags.vocabulary)
    return on_tags.to_domain()


def _has_recommendation_id(body: bytes) -> bool:
    try:
        content = from_json(body)
    except ValueError:  # the schema says what is wrong
        return False
    return isinstance(content, dict) and "recommendation_id" in content


def _count(given: Feedback | RecommendationFeedback, services: Services) -> None:
    if isinstance(given, RecommendationFeedback):
        services.metrics.feedback.count_outcomes(given)
    else:
        services.metrics.feedback.count_tags(given)
