"""A small JSON body: the framework would read any size of it, and before it asks who calls."""

from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.errors import Kind, RequestError

Body = TypeVar("Body", bound=BaseModel)


async def json_body(request: Request, model: type[Body], max_bytes: int) -> Body:
    """Read and check a body.

    Raises:
        RequestError: `payload_too_large`.
        RequestValidationError: It is not JSON, or not what it should be.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise RequestError(
                Kind.PAYLOAD_TOO_LARGE,
                f"The body is larger than {max_bytes} bytes. Send what is asked for only.",
                {"max_bytes": max_bytes},
            )
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from error
