"""A small JSON body: the framework would read any size of it, and before it asks who calls."""

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.errors import Kind, RequestError

Body = TypeVar("Body", bound=BaseModel)


def openapi_body(model: type[BaseModel]) -> dict[str, Any]:
    """Such a body in OpenAPI's terms, for a route's `openapi_extra`."""
    schema = model.model_json_schema()
    inlined = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": inlined}}}}


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


def _inlined(node: object, definitions: dict[str, dict[str, object]]) -> object:
    """A schema without references, which mean something else inside of another document."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    named = definitions.get(node.get("$ref", "").rpartition("/")[2], {})
    whole = {**named, **{key: value for key, value in node.items() if key != "$ref"}}
    return {key: _inlined(value, definitions) for key, value in whole.items()}
