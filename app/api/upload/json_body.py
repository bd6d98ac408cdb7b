"""Reads small JSON bodies; the framework would read any size, and before authentication."""

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.api.openapi import REFERENCE
from app.errors import Kind, RequestError

Body = TypeVar("Body", bound=BaseModel)


def describe_json_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of a JSON body, for a route's `openapi_extra`."""
    schema = model.model_json_schema(ref_template=REFERENCE)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


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
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise RequestError(
                Kind.PAYLOAD_TOO_LARGE,
                f"The body is larger than {max_bytes} bytes. Send only the documented fields.",
                {"max_bytes": max_bytes},
            )
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from error
