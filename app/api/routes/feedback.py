"""`POST /feedback`: what an artist made of the suggestions."""

from fastapi import APIRouter, Request, Response, status

from app.api.dependencies import ServicesDep
from app.api.problems import documented
from app.api.schemas.feedback import FeedbackIn, FeedbackOut
from app.api.upload.json_body import json_body, openapi_body
from app.errors import Kind, RequestError

router = APIRouter(tags=["tagging"])

MAX_BYTES = 64 * 1024
"""Forty tags of a hundred letters, each escaped, and what stands around them."""


@router.post(
    "/feedback",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=openapi_body(FeedbackIn),
    responses={
        200: {"model": FeedbackOut, "description": "It was kept before, and counts once."},
        **documented(
            Kind.REQUEST_TIMEOUT,
            Kind.INVALID_PARAMETER,
            Kind.PAYLOAD_TOO_LARGE,
            Kind.UNSUPPORTED_MEDIA_TYPE,
            Kind.UNKNOWN_VOCABULARY,
            Kind.OVERLOADED,
        ),
    },
)
async def feedback(request: Request, response: Response, services: ServicesDep) -> FeedbackOut:
    """Say which suggestions were shown, in which order, which were accepted, what was added.

    Send it once the artist is done, and again with the same `id` where no answer came. It is
    counted in the metrics, and kept where the operator named a file; without one nobody remembers
    ids, and what is sent again is counted again. The track need not be known any more.
    """
    _check_media_type(request)
    given = await json_body(request, FeedbackIn, MAX_BYTES)
    services.catalog.check_vocabulary(given.vocabulary)
    said = given.said()
    is_new = services.feedback is None or await services.feedback.keep(said)
    if is_new:
        services.metrics.feedback(said)
    else:
        response.status_code = status.HTTP_200_OK
    return FeedbackOut(id=given.id, kept=services.feedback is not None)


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE, "Send the feedback as JSON (application/json)."
        )
