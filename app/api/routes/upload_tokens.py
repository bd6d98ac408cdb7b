"""`POST /upload-tokens`: what a page gets from its backend, so that no API key is in a browser."""

from fastapi import APIRouter, Request, status
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.api.access import KeyDep
from app.api.dependencies import ServicesDep
from app.api.problems import documented
from app.api.schemas import UploadTokenOut, UploadTokenWish
from app.errors import Kind, RequestError

router = APIRouter(tags=["tagging"])

MAX_BYTES = 4096

OPENAPI_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": UploadTokenWish.model_json_schema()}},
    }
}
"""The body in OpenAPI's terms: the framework would read it whole, and before it asks who calls."""


@router.post(
    "/upload-tokens",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=OPENAPI_BODY,
    responses=documented(Kind.FORBIDDEN, Kind.PAYLOAD_TOO_LARGE, Kind.INVALID_PARAMETER),
)
async def upload_tokens(request: Request, key: KeyDep, services: ServicesDep) -> UploadTokenOut:
    """Get a token with which a page may upload a few tracks, and look at their taggrams."""
    wish = await _wish(request)
    issued = services.gate.issue_token(key, wish.origin)
    return UploadTokenOut(token=issued.token, expires_at=issued.expires_at, uses=issued.uses)


async def _wish(request: Request) -> UploadTokenWish:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise RequestError(
                Kind.PAYLOAD_TOO_LARGE,
                f"The body is larger than {MAX_BYTES} bytes. Send the page's origin only.",
                {"max_bytes": MAX_BYTES},
            )
    try:
        return UploadTokenWish.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from error
