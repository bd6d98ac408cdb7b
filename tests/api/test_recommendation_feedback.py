"""`POST /feedback` with `recommendation_id`: what became of recommended curators."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.api.schemas.feedback import EXAMPLE as TAGS
from app.feedback_metrics import MAX_RECOMMENDERS
from testing.server import STUB, Server, serving
from tests.support.client import assert_problem, series
from tests.support.feedback import rows

TRACK = "cd" * 32


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps feedback."""
    return tmp_path_factory.mktemp("keeping") / "feedback.sqlite"


@pytest.fixture(scope="module")
def server(file: Path) -> Any:
    """A service that keeps feedback."""
    settings = {"TAGGRAM_MODELS": '["msd-musicnn"]', "TAGGRAM_FEEDBACK_FILE": str(file)}
    with serving(file.with_name("log"), settings, STUB) as running:
        yield running


def outcome(curator: str = "c1", position: int = 1, **more: Any) -> dict[str, Any]:
    fields = {"curator_id": curator, "position": position, "propensity": 1.0, "outcome": "sent"}
    return {**fields, **more}


def a_feedback(**more: Any) -> dict[str, Any]:
    """What a platform sends."""
    return {
        "id": str(uuid4()),
        "recommendation_id": str(uuid4()),
        "recommender": {"name": "curators", "version": "3"},
        "artist_id": "a17",
        "outcomes": [outcome("c4", 1, track_id=TRACK, outcome="shared"), outcome("c9", 2)],
        **more,
    }


def give(server: Server, body: Any) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    content = body if isinstance(body, bytes) else json.dumps(body)
    return server.http.post("/feedback", content=content, headers=headers)


def counted(server: Server) -> dict[tuple[str, str], float]:
    """Counts by recommender and outcome."""
    found = {}
    for (name, labels), value in series(server).items():
        if name == "taggram_recommendation_outcomes_total":
            of = dict(labels)
            found[of["recommender"], of["outcome"]] = value
    return found


def test_outcomes_are_stored_and_a_repeat_counts_once(server: Server, file: Path) -> None:
    body = a_feedback()
    first = give(server, body)
    assert (first.status_code, first.json()) == (201, {"id": body["id"], "kept": True})
    before = counted(server)
    again = give(server, {**body, "outcomes": [outcome("c4", outcome="declined")]})
    assert (again.status_code, again.json()) == (200, {"id": body["id"], "kept": True})
    assert counted(server) == before
    kept = [row for row in rows(file, "outcomes") if row["feedback_id"] == body["id"]]
    assert [(row["curator_id"], row["outcome"], row["track_id"]) for row in kept] == [
        ("c4", "shared", TRACK),
        ("c9", "sent", None),
    ]


def test_without_a_file_outcomes_are_counted_by_recommender(stub: Server) -> None:
    before = counted(stub)
    response = give(stub, a_feedback())
    assert (response.status_code, response.json()["kept"]) == (201, False)
    more = {key: value - before.get(key, 0) for key, value in counted(stub).items()}
    assert {key: value for key, value in more.items() if value} == {
        ("curators/3", "shared"): 1,
        ("curators/3", "sent"): 1,
    }


def test_invented_recommenders_create_a_bounded_number_of_series(server: Server) -> None:
    for number in range(MAX_RECOMMENDERS + 5):
        recommender = {"name": "invented", "version": str(number)}
        assert give(server, a_feedback(recommender=recommender)).status_code == 201
    names = {name for name, _ in counted(server)}
    assert "other" in names
    assert len(names) == MAX_RECOMMENDERS + 1


def test_the_largest_feedback_is_accepted(server: Server) -> None:
    curators = [outcome(f"{n:01000d}", n + 1, track_id=TRACK) for n in range(100)]
    body = a_feedback(outcomes=curators, artist_id="a" * 1_000)
    assert give(server, body).status_code == 201


def test_the_examples_of_the_document_are_accepted(server: Server) -> None:
    document = server.http.get("/openapi.json").json()
    body = document["paths"]["/feedback"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["examples"]) == {"tags", "recommendations"}
    for example in body["examples"].values():
        assert give(server, example["value"]).status_code in {200, 201}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in a_feedback().items() if key != name}


def with_outcome(**more: Any) -> dict[str, Any]:
    return a_feedback(outcomes=[outcome(**more)])


BAD = {
    "no artist": (without("artist_id"), "artist_id", "Field required"),
    "no recommender": (without("recommender"), "recommender", "Field required"),
    "no outcomes": (without("outcomes"), "outcomes", "Field required"),
    "an empty list": (a_feedback(outcomes=[]), "outcomes", "at least 1"),
    "too many": (
        a_feedback(outcomes=[outcome(str(n), min(n, 99) + 1) for n in range(101)]),
        "outcomes",
        "at most 100",
    ),
    "a curator twice": (
        a_feedback(outcomes=[outcome("c1", 1), outcome("c1", 2)]),
        "body",
        "a curator_id occurs twice",
    ),
    "a position twice": (
        a_feedback(outcomes=[outcome("c1", 1), outcome("c2", 1)]),
        "body",
        "a position occurs twice",
    ),
    "a member of tag feedback": (a_feedback(pooling="mean"), "pooling", "not permitted"),
    "both kinds at once": ({**TAGS, **a_feedback()}, "track_id", "not permitted"),
    "an id that is none": (a_feedback(recommendation_id="1"), "recommendation_id", "UUID"),
    "null as the id": (a_feedback(recommendation_id=None), "recommendation_id", "UUID"),
    "an invented outcome": (with_outcome(outcome="maybe"), "outcome", "'sent', 'declined'"),
    "position 0": (with_outcome(position=0), "position", "greater than or equal to 1"),
    "position 101": (with_outcome(position=101), "position", "less than or equal to 100"),
    "half a position": (with_outcome(position=1.5), "position", "integer"),
    "no propensity": (with_outcome(propensity=None), "propensity", "number"),
    "propensity 0": (with_outcome(propensity=0), "propensity", "greater than 0"),
    "propensity 2": (with_outcome(propensity=2), "propensity", "less than or equal to 1"),
    "a propensity that is none": (
        with_outcome(propensity=float("nan")),
        "propensity",
        "equal to 1",
    ),
    "an empty curator": (with_outcome(curator=""), "curator_id", "pattern"),
    "a long curator": (with_outcome(curator="c" * 1_001), "curator_id", "at most 1000"),
    "a NUL": (with_outcome(curator="a\0"), "curator_id", "pattern"),
    "a number as the artist": (a_feedback(artist_id=17), "artist_id", "valid string"),
    "a track that is none": (with_outcome(track_id="../x"), "track_id", "pattern"),
    "markup as the recommender": (
        a_feedback(recommender={"name": "[red]", "version": "1"}),
        "name",
        "pattern",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_invalid_outcomes_are_refused_by_name_and_not_counted(
    what: str, server: Server, file: Path
) -> None:
    body, parameter, words = BAD[what]
    before, kept = counted(server), len(rows(file, "outcomes"))
    problem = assert_problem(give(server, body), 422, "invalid_parameter")
    named = {each["parameter"]: each["problem"] for each in problem["errors"]}
    assert words in named[parameter]
    assert (counted(server), len(rows(file, "outcomes"))) == (before, kept)


def test_a_body_without_a_recommendation_is_feedback_on_tags(server: Server) -> None:
    problem = assert_problem(give(server, without("recommendation_id")), 422, "invalid_parameter")
    named = {each["parameter"]: each["problem"] for each in problem["errors"]}
    assert named["vocabulary"] == "Field required"
    assert "not permitted" in named["outcomes"]
