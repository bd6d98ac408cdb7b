"""`POST /upload-tokens`: tokens that a backend gives to its page instead of the API key."""

from fastapi import APIRouter, Request, status

from app.api.access import KeyDep
from app.api.dependencies import ServicesDep
from app.api.problems import document_errors
from app.api.schemas.upload_tokens import UploadTokenOut, UploadTokenRequest
from app.api.upload.json_body import describe_json_body, read_json_body
from app.errors import Kind

router = APIRouter(tags=["tagging"])

MAX_BYTES = 4096


@router.post(
    "/upload-tokens",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=describe_json_body(UploadTokenRequest),
    responses=document_errors(
        Kind.CROSS_SITE,
        Kind.FORBIDDEN,
        Kind.REQUEST_TIMEOUT,
        Kind.PAYLOAD_TOO_LARGE,
        Kind.INVALID_PARAMETER,
    ),
)
async def create_upload_token(
    request: Request, key: KeyDep, services: ServicesDep
) -> UploadTokenOut:
    """Return a token with which a page may upload a few tracks and request their taggrams."""
    body = await read_json_body(request, UploadTokenRequest, MAX_BYTES)
    issued = services.authenticator.issue_token(key, body.origin)
    return UploadTokenOut(token=issued.token, expires_at=issued.expires_at, uses=issued.uses)
