"""Reads small JSON bodies; the framework would read any size, and before authentication."""

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.api.openapi import REFERENCE
from app.errors import Kind, RequestError

Body = TypeVar("Body", bound=BaseModel)


def describe_json_body(*models: type[BaseModel], **examples: object) -> dict[str, Any]:
    """Return the OpenAPI description of a JSON body, for a route's `openapi_extra`.

    Args:
        *models: The schema of the body, or those of which it has one.
        **examples: Whole bodies, by name.
    """
    schemas = [model.model_json_schema(ref_template=REFERENCE) for model in models]
    content: dict[str, object] = {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def require_json(request: Request, what: str) -> None:
    """Refuse a body that is not declared as JSON, as forms of other sites are.

    Args:
        request: The request with the body.
        what: What the body is, for the message.

    Raises:
        RequestError: `unsupported_media_type`.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestError(Kind.UNSUPPORTED_MEDIA_TYPE, f"Send {what} as JSON (application/json).")


async def read_json_body(request: Request, model: type[Body], max_bytes: int) -> Body:
    """Return a JSON body, validated.

    Args:
        request: The request with the body.
        model: The schema of the body.
        max_bytes: The most bytes that the body may have.

    Raises:
        RequestError: `payload_too_large` or `request_timeout`.
        ClientDisconnect: The client disconnected.
        RequestValidationError: The body is not valid JSON, or does not match the schema.
    """
    return parse_json_body(await read_small_body(request, max_bytes), model)


async def read_small_body(request: Request, max_bytes: int) -> bytes:
    """Return a body as it is.

    Args:
        request: The request with the body.
        max_bytes: The most bytes that the body may have.

    Raises:
        RequestError: `payload_too_large` or `request_timeout`.
        ClientDisconnect: The client disconnected.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise RequestError(
                Kind.PAYLOAD_TOO_LARGE,
                f"The body is larger than {max_bytes} bytes. Send only the documented fields.",
                {"max_bytes": max_bytes},
            )
    return body


def parse_json_body(body: bytes, model: type[Body]) -> Body:
    """Return a JSON body, validated.

    Raises:
        RequestValidationError: The body is not valid JSON, or does not match the schema.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from error
