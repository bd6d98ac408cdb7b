"""Maps error kinds to HTTP responses: RFC 9457 problem documents."""

import errno
import logging
import math

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette import status
from starlette.exceptions import HTTPException

from app.api.dependencies import metrics_of, request_id_of
from app.api.schemas.problems import InvalidParameter, Problem
from app.errors import Kind, RequestError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

STATUS = {
    Kind.MALFORMED_REQUEST: status.HTTP_400_BAD_REQUEST,
    Kind.REQUEST_TIMEOUT: status.HTTP_408_REQUEST_TIMEOUT,
    Kind.UNKNOWN_HOST: status.HTTP_421_MISDIRECTED_REQUEST,
    Kind.CROSS_SITE: status.HTTP_403_FORBIDDEN,
    Kind.UNAUTHORIZED: status.HTTP_401_UNAUTHORIZED,
    Kind.FORBIDDEN: status.HTTP_403_FORBIDDEN,
    Kind.RATE_LIMITED: status.HTTP_429_TOO_MANY_REQUESTS,
    Kind.INVALID_PARAMETER: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Kind.UNSUPPORTED_MEDIA_TYPE: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    Kind.PAYLOAD_TOO_LARGE: status.HTTP_413_CONTENT_TOO_LARGE,
    Kind.UNSUPPORTED_AUDIO: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    Kind.UNDECODABLE_AUDIO: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Kind.AUDIO_TOO_SHORT: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Kind.AUDIO_TOO_LONG: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Kind.SILENT_AUDIO: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Kind.NO_READABLE_TRACK: status.HTTP_422_UNPROCESSABLE_CONTENT,
    Kind.UNKNOWN_TRACK: status.HTTP_404_NOT_FOUND,
    Kind.UNKNOWN_MODEL: status.HTTP_404_NOT_FOUND,
    Kind.UNKNOWN_VOCABULARY: status.HTTP_404_NOT_FOUND,
    Kind.NO_RECOMMENDER: status.HTTP_404_NOT_FOUND,
    Kind.NOT_FOUND: status.HTTP_404_NOT_FOUND,
    Kind.METHOD_NOT_ALLOWED: status.HTTP_405_METHOD_NOT_ALLOWED,
    Kind.OVERLOADED: status.HTTP_503_SERVICE_UNAVAILABLE,
    Kind.NOT_READY: status.HTTP_503_SERVICE_UNAVAILABLE,
    Kind.DEADLINE_EXCEEDED: status.HTTP_504_GATEWAY_TIMEOUT,
    Kind.ENGINE_FAILED: status.HTTP_503_SERVICE_UNAVAILABLE,
    Kind.RELOAD_REFUSED: status.HTTP_409_CONFLICT,
    Kind.INTERNAL_ERROR: status.HTTP_500_INTERNAL_SERVER_ERROR,
}

TITLE = {
    Kind.MALFORMED_REQUEST: "The request is malformed",
    Kind.REQUEST_TIMEOUT: "The request took too long to arrive",
    Kind.UNKNOWN_HOST: "The host is not a name of this service",
    Kind.CROSS_SITE: "Pages of other sites may not send this request",
    Kind.UNAUTHORIZED: "An API key or an upload token is required",
    Kind.FORBIDDEN: "This key or token does not allow the request",
    Kind.RATE_LIMITED: "Too many requests",
    Kind.INVALID_PARAMETER: "A parameter or part of the request is missing or invalid",
    Kind.UNSUPPORTED_MEDIA_TYPE: "The media type is not supported",
    Kind.PAYLOAD_TOO_LARGE: "The file is too large",
    Kind.UNSUPPORTED_AUDIO: "The audio format is not supported",
    Kind.UNDECODABLE_AUDIO: "The audio file is broken",
    Kind.AUDIO_TOO_SHORT: "The track is too short",
    Kind.AUDIO_TOO_LONG: "The track is too long",
    Kind.SILENT_AUDIO: "The track is silent",
    Kind.NO_READABLE_TRACK: "None of the tracks can be read",
    Kind.UNKNOWN_TRACK: "The track is unknown",
    Kind.UNKNOWN_MODEL: "The model is not loaded",
    Kind.UNKNOWN_VOCABULARY: "The vocabulary is not available",
    Kind.NO_RECOMMENDER: "The service has no recommender",
    Kind.NOT_FOUND: "The resource does not exist",
    Kind.METHOD_NOT_ALLOWED: "The method is not allowed",
    Kind.OVERLOADED: "The service is overloaded",
    Kind.NOT_READY: "The service is not ready",
    Kind.DEADLINE_EXCEEDED: "The request took too long",
    Kind.ENGINE_FAILED: "The model failed",
    Kind.RELOAD_REFUSED: "The models were not replaced",
    Kind.INTERNAL_ERROR: "Internal error",
}

_RETRIED = {Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.NOT_READY, Kind.ENGINE_FAILED}

_HTTP_KINDS = {
    status.HTTP_400_BAD_REQUEST: Kind.MALFORMED_REQUEST,
    status.HTTP_404_NOT_FOUND: Kind.NOT_FOUND,
    status.HTTP_405_METHOD_NOT_ALLOWED: Kind.METHOD_NOT_ALLOWED,
}
"""Errors that the framework raises before a route runs."""

_EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""No disk space, descriptors or memory left: the same request works once others release some."""


def problem_response(
    request: Request, error: RequestError, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return the response to an error; count the error in the metrics.

    Args:
        request: The request that failed.
        error: The error.
        headers: Further headers of the response.
    """
    metrics_of(request).error(error.kind)
    request.state.error = error.kind  # for the log
    return JSONResponse(
        _document(error, request_id_of(request)),
        status_code=STATUS[error.kind],
        headers={**(headers or {}), **_challenge(error), **_retry_header(error)},
        media_type=MEDIA_TYPE,
    )


def _document(error: RequestError, request_id: str) -> dict[str, object]:
    """Return the problem document of an error."""
    return Problem(
        type=f"/problems/{error.kind}",
        title=TITLE[error.kind],
        status=STATUS[error.kind],
        detail=error.detail,
        request_id=request_id,
        **error.extra,
    ).model_dump(mode="json")


def _challenge(error: RequestError) -> dict[str, str]:
    """Return the header that names the authentication scheme, which a 401 must have."""
    return {"WWW-Authenticate": "Bearer"} if error.kind is Kind.UNAUTHORIZED else {}


def _retry_header(error: RequestError) -> dict[str, str]:
    """Return the header with the seconds to wait, for errors that a retry may solve."""
    if error.kind not in _RETRIED:
        return {}
    wait_s = RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
    return {"Retry-After": str(max(1, math.ceil(wait_s)))}


def install(app: FastAPI) -> None:
    """Answer every error with a problem document, including those of the framework."""

    @app.exception_handler(RequestError)
    async def request_error(request: Request, error: RequestError) -> JSONResponse:
        """Answer with the problem document of the error."""
        return problem_response(request, error)

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        """Answer with `invalid_parameter`, and list all invalid parameters."""
        problems = [
            InvalidParameter(parameter=str(item["loc"][-1]), problem=item["msg"])
            for item in error.errors()
        ]
        detail = "; ".join(f"{item.parameter}: {item.problem}" for item in problems)
        extra: dict[str, object] = {"errors": [item.model_dump() for item in problems]}
        return problem_response(request, RequestError(Kind.INVALID_PARAMETER, detail, extra))

    @app.exception_handler(OSError)
    async def os_error(request: Request, error: OSError) -> JSONResponse:
        """Answer with `overloaded` if a resource is exhausted.

        Raises:
            OSError: The error has another cause.
        """
        if error.errno not in _EXHAUSTED:
            raise error
        log.error("an upload failed for lack of resources: %s", error.strerror)
        detail = "The service is out of disk space, memory or descriptors. Try again in a moment."
        return problem_response(request, RequestError(Kind.OVERLOADED, detail))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        """Answer an error of the framework, such as an unknown path."""
        kind = _HTTP_KINDS.get(error.status_code, Kind.INVALID_PARAMETER)
        detail = f"{request.method} {request.url.path}: {error.detail}. See /docs."
        headers = dict(error.headers or {})
        return problem_response(request, RequestError(kind, detail), headers)


def document_errors(*kinds: Kind) -> dict[int | str, dict[str, object]]:
    """Return OpenAPI responses with an example for each kind, for the `responses` of a route."""
    responses: dict[int | str, dict[str, object]] = {}
    for code in sorted({STATUS[kind] for kind in kinds}):
        of_status = [kind for kind in kinds if STATUS[kind] == code]
        responses[code] = {
            "description": "; ".join(TITLE[kind] for kind in of_status),
            "content": {
                MEDIA_TYPE: {
                    "schema": Problem.model_json_schema(),
                    "examples": {kind: _example(kind) for kind in of_status},
                }
            },
        }
    return responses


def _example(kind: Kind) -> dict[str, object]:
    value = {
        "type": f"/problems/{kind}",
        "title": TITLE[kind],
        "status": STATUS[kind],
        "detail": "What is wrong with this request, and what to do.",
        "request_id": "6f1c2a9e8d7b4c5f9a0b1c2d3e4f5a6b",
    }
    return {"summary": TITLE[kind], "value": value}
