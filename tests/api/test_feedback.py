"""`POST /feedback`: accepted, refused and counted feedback."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.access.key_file import create_key
from testing.server import STUB, Server, serving
from tests.api.conftest import ORIGIN
from tests.support.client import assert_problem, metric, series
from tests.support.feedback import rows


@dataclass(frozen=True)
class Keeping:
    """A server with API keys that keeps feedback.

    Attributes:
        server: The running service.
        file: What it keeps.
        key: An API key.
    """

    server: Server
    file: Path
    key: str


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    """See `Keeping`."""
    folder = tmp_path_factory.mktemp("keeping")
    keys, file = folder / "keys.json", folder / "feedback.sqlite"
    key = create_key(keys, "shop", admin=False)
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_KEYS_FILE": str(keys),
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
        "TAGGRAM_FEEDBACK_FILE": str(file),
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Keeping(server, file, key)


def a_feedback(**more: Any) -> dict[str, Any]:
    """What a page sends."""
    return {
        "id": str(uuid4()),
        "track_id": "ab" * 32,
        "models": [{"name": "msd-musicnn", "version": "1"}],
        "vocabulary": "subgenres",
        "vocabulary_version": "1",
        "pooling": "mean",
        "confidence": "high",
        "shown": [
            {"tag": "ambient", "score": 0.31, "accepted": True},
            {"tag": "downtempo", "score": 0.2, "accepted": False},
        ],
        "added": [" dub techno "],
        **more,
    }


def shown(*tags: str) -> list[dict[str, Any]]:
    return [{"tag": tag, "score": 0.5, "accepted": False} for tag in tags]


def give(to: Keeping | Server, body: Any, **headers: str) -> httpx.Response:
    server = to.server if isinstance(to, Keeping) else to
    if isinstance(to, Keeping):
        headers = {"Authorization": f"Bearer {to.key}", **headers}
    content = body if isinstance(body, bytes) else json.dumps(body)
    headers = {"Content-Type": "application/json", **headers}
    return server.http.post("/feedback", content=content, headers=headers)


def counted(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        of: value
        for of, value in series(server).items()
        if of[0].startswith("taggram_feedback") and of[0].endswith("_total")
    }


def test_feedback_is_stored_in_the_order_shown_and_a_repeat_counts_once(keeping: Keeping) -> None:
    body = a_feedback()
    first = give(keeping, body)
    assert (first.status_code, first.json()) == (201, {"id": body["id"], "kept": True})
    before = counted(keeping.server)
    again = give(keeping, {**body, "added": ["something else"]})
    assert (again.status_code, again.json()) == (200, {"id": body["id"], "kept": True})
    assert counted(keeping.server) == before
    kept = [row for row in rows(keeping.file) if row["feedback_id"] == body["id"]]
    assert [(row["rank"], row["tag"], row["score"], row["verdict"]) for row in kept] == [
        (1, "ambient", 0.31, "accepted"),
        (2, "downtempo", 0.2, "rejected"),
        (None, "dub techno", None, "added"),
    ]


def test_acceptance_is_counted_by_vocabulary_and_rank(stub: Server) -> None:
    names = {"given": "", "shown": "_shown", "accepted": "_accepted", "added": "_added"}

    def count(what: str, **labels: str) -> float:
        name = f"taggram_feedback{names[what]}_total"
        return metric(stub, name, vocabulary="genres", **labels)

    def all_counts() -> list[float]:
        by_rank = [count(what, rank=rank) for rank in "12" for what in ("shown", "accepted")]
        return [count("given"), *by_rank, count("added")]

    before = all_counts()
    response = give(stub, a_feedback(vocabulary="genres"))
    assert (response.status_code, response.json()["kept"]) == (201, False)
    more = [now - then for now, then in zip(all_counts(), before, strict=True)]
    assert more == [1, 1, 1, 1, 0, 1]


@pytest.mark.parametrize(
    "more",
    [
        {"vocabulary": "raw"},
        {"shown": [], "added": ["only mine"]},
        {"added": []},
        {"shown": shown(*(f"{n} {'x' * 97}" for n in range(10, 30)))},
        {"added": ["音楽", "🎸" * 100, "=1+1", "<script>", "naïve"]},
        {"track_id": "0" * 64},
    ],
)
def test_all_kinds_of_feedback_are_accepted(more: dict[str, Any], keeping: Keeping) -> None:
    assert give(keeping, a_feedback(**more)).status_code == 201


def test_the_largest_feedback_is_accepted(keeping: Keeping) -> None:
    tags = [f"{number:02d}{'🎸' * 98}" for number in range(40)]
    models = [{"name": "m" * 100, "version": str(number)} for number in range(20)]
    body = a_feedback(shown=shown(*tags[:20]), added=tags[20:], models=models)
    assert give(keeping, body).status_code == 201


BAD = {
    "no JSON": b"{",
    "no object": [],
    "nothing": b"",
    "not even Unicode": b"\xff\xfe",
    "nested without end": b"[" * 20_000,
    "an unknown member": a_feedback(price=1),
    "a member of a suggestion that is unknown": a_feedback(
        shown=[{**shown("a")[0], "colour": "red"}]
    ),
    "no tag": a_feedback(shown=[], added=[]),
    "a tag shown twice": a_feedback(shown=shown("a", "b", "A")),
    "a tag added twice": a_feedback(added=["straße", "STRASSE"]),
    "a tag both shown and added": a_feedback(added=["Ambient "]),
    "too many shown": a_feedback(shown=shown(*map(str, range(21)))),
    "too many added": a_feedback(added=list(map(str, range(21)))),
    "a tag of blanks": a_feedback(added=["  "]),
    "a tag that is too long": a_feedback(added=["x" * 101]),
    "a line break in a tag": a_feedback(added=["a\nb"]),
    "a NUL in a tag": a_feedback(added=["a\0b"]),
    "half a character": a_feedback(added=["\ud800"]),
    "a score above one": a_feedback(shown=[{"tag": "a", "score": 1.5, "accepted": True}]),
    "a score that is not a number": a_feedback(
        shown=[{"tag": "a", "score": float("nan"), "accepted": True}]
    ),
    "a verdict in words": a_feedback(shown=[{"tag": "a", "score": 0.5, "accepted": "yes"}]),
    "an id that is none": a_feedback(id="1"),
    "a track that is none": a_feedback(track_id="../x"),
    "no model": a_feedback(models=[]),
    "a model that is markup": a_feedback(models=[{"name": "[red]", "version": "1"}]),
    "an invented pooling": a_feedback(pooling="max"),
    "an invented confidence": a_feedback(confidence="sure"),
    "no pooling": {name: value for name, value in a_feedback().items() if name != "pooling"},
}


@pytest.mark.parametrize("what", BAD)
def test_invalid_feedback_is_refused_and_not_counted(what: str, keeping: Keeping) -> None:
    before, kept = counted(keeping.server), len(rows(keeping.file))
    problem = assert_problem(give(keeping, BAD[what]), 422, "invalid_parameter")
    assert problem["errors"]
    assert (counted(keeping.server), len(rows(keeping.file))) == (before, kept)


def test_an_unknown_vocabulary_creates_no_new_series(keeping: Keeping) -> None:
    before = counted(keeping.server)
    response = give(keeping, a_feedback(vocabulary="invented"))
    assert "GET /vocabularies" in assert_problem(response, 404, "unknown_vocabulary")["detail"]
    assert counted(keeping.server) == before


def test_an_oversized_body_is_refused(keeping: Keeping) -> None:
    problem = assert_problem(give(keeping, b" " * 140_000), 413, "payload_too_large")
    assert problem["max_bytes"] == 131_072


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_simple_request_from_another_site_is_refused(media_type: str, keeping: Keeping) -> None:
    response = give(keeping, a_feedback(), **{"Content-Type": media_type})
    assert_problem(response, 415, "unsupported_media_type")


def test_a_media_type_with_a_charset_is_accepted(keeping: Keeping) -> None:
    response = give(keeping, a_feedback(), **{"Content-Type": "Application/JSON; charset=utf-8"})
    assert response.status_code == 201


def test_a_key_or_a_token_is_required_and_no_use_of_the_token_is_spent(keeping: Keeping) -> None:
    anonymous = keeping.server.http.post("/feedback", json=a_feedback())
    assert_problem(anonymous, 401, "unauthorized")
    key = {"Authorization": f"Bearer {keeping.key}"}
    issued = keeping.server.http.post("/upload-tokens", json={"origin": ORIGIN}, headers=key).json()
    page = {"Authorization": f"Bearer {issued['token']}", "Origin": ORIGIN}
    for _ in range(issued["uses"] + 1):
        response = give(keeping, a_feedback(), **page)
        assert response.status_code == 201
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    elsewhere = {**page, "Origin": "https://elsewhere.example"}
    assert_problem(give(keeping, a_feedback(), **elsewhere), 403, "forbidden")


def test_a_locked_file_answers_503_and_counts_nothing(keeping: Keeping) -> None:
    body = a_feedback()
    before = counted(keeping.server)
    with closing(sqlite3.connect(keeping.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        response = give(keeping, body)
    assert_problem(response, 503, "overloaded")
    assert int(response.headers["Retry-After"]) > 0
    assert counted(keeping.server) == before
    assert give(keeping, body).status_code == 201
