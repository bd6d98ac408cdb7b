"""The API describes itself: all of it, and without the help of other servers."""

import json
import re
from typing import Any

import pytest

from testing.server import Server

ROUTES = {
    ("post", "/suggest-tags"): {400, 403, 404, 408, 413, 415, 421, 422, 429, 503, 504},
    ("post", "/suggest-tags/pooled"): {400, 403, 404, 408, 413, 415, 421, 422, 429, 503, 504},
    ("get", "/taggram"): {403, 404, 421, 422, 429, 503, 504},
    ("post", "/feedback"): {403, 404, 408, 413, 415, 421, 422, 429, 503},
    ("post", "/recommendations"): {403, 404, 408, 413, 415, 421, 422, 429, 503, 504},
    ("get", "/identities/{track_id}"): {403, 404, 421, 422, 429, 503},
    ("get", "/limits"): {403, 421, 429},
    ("post", "/upload-tokens"): {403, 408, 413, 422, 421, 429},
    ("get", "/vocabularies"): {403, 421, 429},
    ("get", "/models"): {403, 421, 429},
    ("post", "/models/reload"): {403, 409, 421, 429, 503},
    ("get", "/health/live"): {403, 421, 503},
    ("get", "/health/ready"): {403, 421, 503},
    ("get", "/metrics"): {403, 421},
}

"""The errors of each route; all have ANYWHERE too."""

ANYWHERE = {400, 500}

SCHEMAS = "#/components/schemas/"

OPERATION_ID = re.compile(r"[a-z]+(_[a-z]+)+")
"""Generators of clients name functions by it."""


@pytest.fixture(scope="module")
def document(stub: Server) -> dict[str, Any]:
    """The OpenAPI document."""
    opened: dict[str, Any] = stub.http.get("/openapi.json").json()
    return opened


def test_each_route_is_documented_and_no_other(document: dict[str, Any]) -> None:
    documented = {(method, path) for path, item in document["paths"].items() for method in item}
    assert documented == set(ROUTES)
    for method, path in ROUTES:
        assert document["paths"][path][method]["description"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_each_error_is_documented_with_an_example(
    document: dict[str, Any], method: str, path: str
) -> None:
    responses = document["paths"][path][method]["responses"]
    errors = {int(status): responses[status] for status in responses if status >= "400"}
    assert set(errors) == ROUTES[method, path] | ANYWHERE
    for status, error in errors.items():
        (media_type,) = error["content"]
        assert media_type == "application/problem+json"
        for kind, example in error["content"][media_type]["examples"].items():
            assert example["value"]["type"] == f"/problems/{kind}"
            assert example["value"]["status"] == status


def test_operation_ids_are_short_and_unique(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not OPERATION_ID.fullmatch(name)] == []
    assert document["paths"]["/suggest-tags"]["post"]["operationId"] == "suggest_tags"


def test_each_error_has_the_same_schema(document: dict[str, Any]) -> None:
    schemas = [
        content["schema"]
        for path in document["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if status >= "400"
        for content in response["content"].values()
    ]
    assert schemas
    assert all(schema == {"$ref": "#/components/schemas/Problem"} for schema in schemas)


def test_bodies_refer_to_schemas_of_the_document(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    referenced = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert referenced == document["components"]["schemas"].keys()
    assert "$defs" not in text
    feedback = [{"$ref": f"{SCHEMAS}{name}"} for name in ("FeedbackIn", "RecommendationFeedbackIn")]
    assert body_of(document, "/feedback") == {"oneOf": feedback}
    assert body_of(document, "/upload-tokens") == {"$ref": f"{SCHEMAS}UploadTokenRequest"}


def body_of(document: dict[str, Any], path: str) -> object:
    body = document["paths"][path]["post"]["requestBody"]
    return body["content"]["application/json"]["schema"]


def test_each_field_of_a_body_has_an_example_or_a_type_that_says_enough(
    document: dict[str, Any],
) -> None:
    without = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if needs_example(described)
    ]
    assert without == []


def needs_example(schema: dict[str, Any]) -> bool:
    """Return whether the schema has plain texts or numbers, and no example of them."""
    if schema.keys() & {"examples", "enum", "const", "$ref"}:
        return False
    if schema.get("type") == "array":
        return needs_example(schema["items"])
    if "anyOf" in schema:
        return any(map(needs_example, schema["anyOf"]))
    return schema.get("type") in ("string", "number", "integer", "object")


def test_the_body_of_an_upload_is_a_form_with_a_file(document: dict[str, Any]) -> None:
    body = document["paths"]["/suggest-tags"]["post"]["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert body["required"]
    assert schema["required"] == ["file"]
    assert schema["properties"]["file"]["format"] == "binary"


def test_the_body_of_several_tracks_is_a_form_with_up_to_ten_files(
    document: dict[str, Any],
) -> None:
    body = document["paths"]["/suggest-tags/pooled"]["post"]["requestBody"]
    files = body["content"]["multipart/form-data"]["schema"]["properties"]["file"]
    assert (files["type"], files["minItems"], files["maxItems"]) == ("array", 1, 10)
    assert files["items"]["format"] == "binary"


def test_parameters_are_documented_with_their_bounds(document: dict[str, Any]) -> None:
    parameters = {
        parameter["name"]: parameter["schema"]
        for parameter in document["paths"]["/suggest-tags"]["post"]["parameters"]
    }
    assert set(parameters) == {"vocabulary", "top_k", "pooling", "threshold", "model"}
    assert parameters["vocabulary"]["default"] == "subgenres"
    top_k = parameters["top_k"]
    assert (top_k["minimum"], top_k["maximum"], top_k["default"]) == (1, 20, 5)


def test_a_taggram_is_documented_in_its_three_forms(document: dict[str, Any]) -> None:
    responses = document["paths"]["/taggram"]["get"]["responses"]
    assert set(responses["200"]["content"]) == {"application/json", "image/png", "text/csv"}
    assert "304" in responses


def test_metrics_are_documented_as_text(document: dict[str, Any]) -> None:
    content = document["paths"]["/metrics"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["text/plain"]


def test_the_documentation_needs_no_other_server(stub: Server) -> None:
    html = stub.http.get("/docs").text
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", html)
    assert links
    assert "//" not in "".join(links)
    for link in links:
        assert stub.http.get(link).status_code == 200
    assert not re.findall("https?://", html)
