"""`POST /recommendations` and `GET /identities`: known tracks, answers, refusals."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from app.access.key_file import create_key
from app.recommender.serving.recommender import PublishedRecommender, load_recommender
from testing.made_recommender import SUBGENRES, known_track_id
from testing.server import STUB, Server, serving
from tests.api.conftest import ORIGIN
from tests.support.client import answer, assert_problem, metric, new_track, series
from tests.support.recommenders import publish_raw, store_with_model

SIX_DECIMALS = 1.01e-6
UNKNOWN = "0" * 64
KNOWN = known_track_id(7)


@dataclass(frozen=True)
class Recommending:
    """A server with API keys and a recommender.

    Attributes:
        server: The running service.
        key: An API key.
        recommender: What it serves.
    """

    server: Server
    key: str
    recommender: PublishedRecommender

    @property
    def headers(self) -> dict[str, str]:
        """The key."""
        return {"Authorization": f"Bearer {self.key}"}

    def ask(self, body: object, **headers: str) -> httpx.Response:
        """Ask for recommendations; a body of bytes is sent as it is."""
        content = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Content-Type": "application/json", **self.headers, **headers}
        return self.server.http.post("/recommendations", content=content, headers=headers)

    def recommend(self, k: int = 10, exclude: tuple[str, ...] = (), **artist: Any) -> Any:
        """The answer for an artist."""
        return answer(self.ask({"artist": artist, "k": k, "exclude": exclude}))

    def identity(self, track_id: str) -> httpx.Response:
        return self.server.http.get(f"/identities/{track_id}", headers=self.headers)

    def upload(self) -> tuple[str, dict[str, float]]:
        """Upload a new track: its id, and the model's scores of it."""
        files, raw = {"file": new_track()}, {"vocabulary": "raw"}
        posted = self.server.http.post(
            "/suggest-tags", params=raw, files=files, headers=self.headers
        )
        url = answer(posted)["taggram_url"]
        taggram = answer(self.server.http.get(url, headers=self.headers))
        scores = dict(zip(taggram["tags"], taggram["mean_scores"], strict=True))
        return taggram["track_id"], scores


@pytest.fixture(scope="module")
def recommending(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommending]:
    """See `Recommending`."""
    folder = tmp_path_factory.mktemp("recommending")
    models = store_with_model(store, folder)
    publish_raw(models)
    keys = folder / "keys.json"
    key = create_key(keys, "shop", admin=False)
    settings = {
        "TAGGRAM_MODEL_STORE": models.url,
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_RECOMMENDER": "curators",
        "TAGGRAM_KEYS_FILE": str(keys),
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
        "TAGGRAM_KEY_REQUESTS_PER_MINUTE": "6000",
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Recommending(server, key, load_recommender(models, "curators"))


# Tracks


def test_an_uploaded_track_is_compared_by_its_mean_scores(recommending: Recommending) -> None:
    track_id, scores = recommending.upload()

    answered = recommending.recommend(track_ids=[track_id])
    identity = answer(recommending.identity(track_id))

    assert (answered["tracks_used"], answered["unknown_tracks"]) == (1, [])
    tags = [tag for each in answered["curators"] for tag in each["reasons"]["tags"]]
    assert tags
    for tag in tags:
        assert tag["artist"] == pytest.approx(scores[tag["tag"]], abs=SIX_DECIMALS)
    assert identity["source"] == "cache"
    shown = {each["tag"]: each["score"] for each in identity["tags"]}
    assert shown == pytest.approx(scores, abs=SIX_DECIMALS)
    assert list(shown.values()) == sorted(shown.values(), reverse=True)


def test_a_track_of_the_recommender_needs_no_upload(recommending: Recommending) -> None:
    answered = recommending.recommend(track_ids=[KNOWN, KNOWN], k=20)
    identity = answer(recommending.identity(KNOWN))

    assert (answered["tracks_used"], answered["unknown_tracks"]) == (1, [])
    accepted = [
        (track["external_id"], track["track_id"], track["similarity"])
        for curator in answered["curators"]
        for track in curator["reasons"]["tracks"]
    ]
    assert max(accepted, key=lambda track: track[2]) == ("t7", KNOWN, pytest.approx(1))
    assert identity["source"] == "catalogue"
    packaged = recommending.recommender.identity(KNOWN)
    assert packaged is not None
    shown = {each["tag"]: each["score"] for each in identity["tags"]}
    tags = recommending.recommender.manifest.tags
    assert [shown[tag] for tag in tags] == pytest.approx(packaged.tolist(), abs=SIX_DECIMALS)


def test_unknown_tracks_are_listed_and_the_others_are_used(recommending: Recommending) -> None:
    answered = recommending.recommend(track_ids=[UNKNOWN, KNOWN])
    assert (answered["tracks_used"], answered["unknown_tracks"]) == (1, [UNKNOWN])
    assert answered["curators"] == recommending.recommend(track_ids=[KNOWN])["curators"]


def test_unknown_tracks_alone_are_refused_by_name(recommending: Recommending) -> None:
    problem = assert_problem(
        recommending.ask({"artist": {"track_ids": [UNKNOWN]}}), 404, "unknown_track"
    )
    assert problem["unknown_tracks"] == [UNKNOWN]
    assert UNKNOWN in problem["detail"]
    assert_problem(recommending.identity(UNKNOWN), 404, "unknown_track")


@pytest.mark.parametrize("rest", [{"subgenres": ["dub"]}, {"country": "FR"}, {"artist_id": "a1"}])
def test_with_unknown_tracks_the_rest_counts(
    rest: dict[str, Any], recommending: Recommending
) -> None:
    answered = recommending.recommend(track_ids=[UNKNOWN], **rest)
    assert (answered["tracks_used"], answered["unknown_tracks"]) == (0, [UNKNOWN])
    assert answered["curators"] == recommending.recommend(**rest)["curators"]


def test_an_identity_is_refused_if_its_id_is_not_one(recommending: Recommending) -> None:
    assert_problem(recommending.identity("x"), 422, "invalid_parameter")


# Answers


def test_the_answer_is_that_of_the_recommender_with_its_parts(recommending: Recommending) -> None:
    answered = recommending.recommend(subgenres=["techno"], country="DE")

    assert answered["recommender"] == {"name": "curators", "version": "1"}
    assert answered["tag_models"] == [{"name": "msd-musicnn", "version": "1"}]
    assert answered["vocabularies"] == []
    assert (answered["model"], answered["cold"]) == ("linear-tags", True)
    assert [each["position"] for each in answered["curators"]] == list(range(1, 11))
    scores = [each["score"] for each in answered["curators"]]
    assert scores == sorted(scores, reverse=True)
    assert {each["propensity"] for each in answered["curators"]} == {1.0}
    # Made curators like one subgenre each, the fifth of five is techno.
    first = answered["curators"][0]
    assert int(first["curator_id"][1:]) % len(SUBGENRES) == SUBGENRES.index("techno")
    assert first["reasons"] == {"subgenres": ["techno"], "tags": [], "tracks": []}


def test_each_answer_has_an_id_of_its_own(recommending: Recommending) -> None:
    ids = {recommending.recommend(country="DE")["recommendation_id"] for _ in range(3)}
    assert len(ids) == 3


def test_as_many_as_asked_are_recommended_without_the_excluded(recommending: Recommending) -> None:
    everyone = recommending.recommend(k=100, country="DE")["curators"]
    names = [each["curator_id"] for each in everyone]
    assert len(set(names)) == len(names) == 20
    fewer = recommending.recommend(3, (names[0], names[2], "unknown"), country="DE")["curators"]
    assert [each["curator_id"] for each in fewer] == [names[1], names[3], names[4]]
    assert recommending.recommend(k=3, exclude=tuple(names), country="DE")["curators"] == []


def test_good_answers_are_as_documented(recommending: Recommending) -> None:
    document = schemathesis.openapi.from_dict(answer(recommending.server.http.get("/openapi.json")))
    answered = recommending.ask({"artist": {"track_ids": [KNOWN, UNKNOWN], "subgenres": ["dub"]}})
    assert answered.status_code == 200
    document["/recommendations"]["POST"].validate_response(answered)
    identity = recommending.identity(KNOWN)
    assert identity.status_code == 200
    document["/identities/{track_id}"]["GET"].validate_response(identity)
    head = recommending.server.http.head(f"/identities/{KNOWN}", headers=recommending.headers)
    assert head.status_code == 200


# Refusals


def test_an_unknown_subgenre_is_refused_with_the_nearest_ones(recommending: Recommending) -> None:
    body = {"artist": {"subgenres": ["tecno", "dub", "polka"]}}
    problem = assert_problem(recommending.ask(body), 422, "invalid_parameter")
    assert [each["parameter"] for each in problem["errors"]] == ["subgenres"] * 2
    assert (
        "'tecno' is not a subgenre of the recommender; the nearest are techno"
        in (problem["detail"])
    )
    assert "'polka'" in problem["detail"]
    assert problem["subgenres"] == list(SUBGENRES)


def artist(**fields: Any) -> dict[str, Any]:
    return {"artist": fields}


BAD = {
    "no JSON": b"{",
    "no object": [],
    "nothing": b"",
    "not even Unicode": b"\xff\xfe",
    "nested without end": b"[" * 20_000,
    "a number of thousands of digits": b'{"artist": {"country": "DE"}, "k": ' + b"9" * 5_000 + b"}",
    "no artist": {"k": 3},
    "an artist of whom nothing is said": artist(),
    "an artist with empty fields": artist(subgenres=[], track_ids=[], country=None),
    "an unknown member": {**artist(country="DE"), "price": 1},
    "an unknown member of the artist": artist(country="DE", name="x"),
    "none at all": {**artist(country="DE"), "k": 0},
    "too many": {**artist(country="DE"), "k": 101},
    "a number as a text": {**artist(country="DE"), "k": "3"},
    "a number that is not one": {**artist(country="DE"), "k": float("nan")},
    "part of a curator": {**artist(country="DE"), "k": 1.5},
    "too many excluded": {**artist(country="DE"), "exclude": [str(n) for n in range(1_001)]},
    "an excluded one without an id": {**artist(country="DE"), "exclude": [""]},
    "one text of excluded ones": {**artist(country="DE"), "exclude": "c1"},
    "too many tracks": artist(track_ids=[f"{number:064x}" for number in range(21)]),
    "a track that is none": artist(track_ids=["../x"]),
    "a track in capitals": artist(track_ids=["A" * 64]),
    "a country that is too long": artist(country="D" * 101),
    "a country without a name": artist(country=""),
    "a line break in a subgenre": artist(subgenres=["te\nchno"]),
    "a NUL in an id": artist(artist_id="a\0b"),
    "half a character": artist(artist_id="\ud800"),
    "an id that is a number": artist(artist_id=17),
    "an id that is too long": artist(artist_id="a" * 1_001),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_request_is_refused_and_not_counted(what: str, recommending: Recommending) -> None:
    before = counted(recommending.server)
    problem = assert_problem(recommending.ask(BAD[what]), 422, "invalid_parameter")
    assert problem["errors"]
    assert counted(recommending.server) == before


def test_an_oversized_body_is_refused(recommending: Recommending) -> None:
    problem = assert_problem(recommending.ask(b" " * 140_000), 413, "payload_too_large")
    assert problem["max_bytes"] == 131_072


@pytest.mark.parametrize("media_type", ["text/plain", ""])
def test_a_simple_request_of_another_site_is_refused(
    media_type: str, recommending: Recommending
) -> None:
    response = recommending.ask(artist(country="DE"), **{"Content-Type": media_type})
    assert_problem(response, 415, "unsupported_media_type")


def test_a_service_without_a_recommender_says_how_to_get_one(stub: Server) -> None:
    asked = stub.http.post("/recommendations", json=artist(country="DE"))
    for response in (asked, stub.http.get(f"/identities/{KNOWN}")):
        assert "TAGGRAM_RECOMMENDER" in assert_problem(response, 404, "no_recommender")["detail"]


# Access and metrics


def test_a_key_or_a_token_is_required_and_no_use_of_the_token_is_spent(
    recommending: Recommending,
) -> None:
    http = recommending.server.http
    assert_problem(http.post("/recommendations", json=artist(country="DE")), 401, "unauthorized")
    assert_problem(http.get(f"/identities/{KNOWN}"), 401, "unauthorized")
    issued = http.post("/upload-tokens", json={"origin": ORIGIN}, headers=recommending.headers)
    token = {"Authorization": f"Bearer {issued.json()['token']}", "Origin": ORIGIN}
    for _ in range(issued.json()["uses"] + 1):
        response = recommending.ask(artist(country="DE"), **token)
        assert answer(response)["curators"]
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    elsewhere = {**token, "Origin": "https://elsewhere.example"}
    assert_problem(recommending.ask(artist(country="DE"), **elsewhere), 403, "forbidden")


def counted(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        of: value
        for of, value in series(server).items()
        if of[0].endswith("_total") and of[0].startswith("taggram_recommendation")
    }


def test_answers_and_tracks_are_counted(recommending: Recommending) -> None:
    server = recommending.server
    track_id, _ = recommending.upload()

    def counts() -> list[float]:
        tracks = [
            metric(server, "taggram_recommendation_tracks_total", source=source)
            for source in ("cache", "catalogue", "unknown")
        ]
        name = "taggram_recommendations_total"
        answers = metric(server, name, recommender="curators/1", cold="true")
        timed = metric(server, "taggram_recommendation_seconds_count", recommender="curators/1")
        return [*tracks, answers, timed]

    before = counts()
    recommending.recommend(track_ids=[track_id, KNOWN, known_track_id(8), UNKNOWN])
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 2, 1, 1, 1]
