"""The OpenAPI document: short operation ids, and each schema once, under its name.

Generators of clients name their functions and types by these. Bodies and errors that the framework
does not see as models are described where they are used, in whole. Repeated like that, they become
as many types, or types with the same name.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
"""How the framework, and `model_json_schema` if asked, refer to a schema of the document."""


def get_operation_id(route: APIRoute) -> str:
    """Return the operation id of a route: the name of its function, such as `suggest_tags`."""
    return route.name


def share_schemas(app: FastAPI) -> None:
    """Serve the document of an application with each schema under `components`.

    Replacing `openapi` is how FastAPI's documentation says to change the document.
    """
    generate = app.openapi

    def generate_shared() -> Json:
        if app.openapi_schema is None:
            _share(generate())
        return generate()  # the framework keeps the document

    app.openapi = generate_shared  # type: ignore[method-assign]


def _share(document: Json) -> None:
    """Move the named schemas of bodies and answers to `components`, in place.

    Raises:
        ValueError: Two different schemas have the same name.
    """
    schemas: Json = document["components"]["schemas"]
    for content in _contents(document):
        if "schema" in content:
            content["schema"] = _move(content["schema"], schemas)


def _move(schema: Json, schemas: Json) -> Json:
    """Move a named schema to `schemas`, and return a reference to it; return others as they are.

    Raises:
        ValueError: `schemas` has a different one with the same name.
    """
    if "oneOf" in schema:
        return {**schema, "oneOf": [_move(each, schemas) for each in schema["oneOf"]]}
    if schema.get("type") != "object" or "title" not in schema:
        return schema
    name = schema["title"]
    for key, moved in ({name: schema} | schema.pop("$defs", {})).items():
        if schemas.setdefault(key, moved) != moved:
            raise ValueError(f"two schemas have the name {key}; rename one of the models")
    return {"$ref": REFERENCE.format(model=name)}


def _contents(document: Json) -> Iterator[Json]:
    """Yield each media type of each body and answer."""
    for path in document["paths"].values():
        for operation in path.values():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                yield from body.get("content", {}).values()
