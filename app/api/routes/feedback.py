"""`POST /feedback`: which suggestions an artist accepted or rejected, and which tags were added."""

from fastapi import APIRouter, Request, Response, status

from app.api.dependencies import ServicesDep
from app.api.problems import document_errors
from app.api.schemas.feedback import FeedbackIn, FeedbackOut
from app.api.upload.json_body import describe_json_body, read_json_body
from app.errors import Kind, RequestError

router = APIRouter(tags=["tagging"])

MAX_BYTES = 64 * 1024
"""Enough for forty tags of a hundred escaped characters, and the other fields."""


@router.post(
    "/feedback",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=describe_json_body(FeedbackIn),
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
    """Report which suggestions were shown, in which order, which were accepted, and added tags.

    Send it once the artist is done, and again with the same `id` if no response came. It is counted
    in the metrics, and stored if the operator configured a feedback file. Without a file no ids are
    stored, so that feedback sent twice is counted twice. The track may have left the cache.
    """
    _check_media_type(request)
    body = await read_json_body(request, FeedbackIn, MAX_BYTES)
    services.catalog.check_vocabulary(body.vocabulary)
    given = body.to_domain()
    is_new = services.feedback is None or await services.feedback.keep(given)
    if is_new:
        services.metrics.feedback(given)
    else:
        response.status_code = status.HTTP_200_OK
    return FeedbackOut(id=body.id, kept=services.feedback is not None)


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE, "Send the feedback as JSON (application/json)."
        )
