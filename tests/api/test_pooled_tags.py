"""Several tracks of an artist: means over tracks, each track beside them, and tracks that fail."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.access.key_file import create_key
from testing.server import STUB, Server, serving
from tests.api.conftest import MAX_POOLED_BYTES, MAX_UPLOAD_BYTES, ORIGIN, Narrow
from tests.support.client import answer, assert_problem, inferred_s, metric, new_track, post


def post_all(server: Server, *files: bytes, **query: object) -> httpx.Response:
    """Upload files as parts `file` of one form."""
    parts = [("file", data) for data in files]
    return server.http.post("/suggest-tags/pooled", params=query, files=parts)


def test_scores_are_means_over_tracks(stub: Server, varied: bytes) -> None:
    tracks = [new_track(), varied, new_track()]
    query = {"vocabulary": "raw", "top_k": 20, "model": "msd-musicnn"}
    pooled = answer(post_all(stub, *tracks, **query))
    alone = [answer(post(stub, track, **query)) for track in tracks]
    scores = [{item["tag"]: item["score"] for item in one["suggestions"]} for one in alone]

    assert pooled["tracks_read"] == 3
    means = [item["score"] for item in pooled["suggestions"]]
    assert means == sorted(means, reverse=True)
    in_all = [item for item in pooled["suggestions"] if all(item["tag"] in one for one in scores)]
    assert in_all
    for item in in_all:
        expected = sum(one[item["tag"]] for one in scores) / 3
        assert item["score"] == pytest.approx(expected, abs=2e-6)


def test_each_track_has_its_own_answer_beside(stub: Server) -> None:
    tracks = [new_track(), new_track(5)]
    pooled = answer(post_all(stub, *tracks, vocabulary="genres"))
    alone = [answer(post(stub, track, vocabulary="genres")) for track in tracks]
    assert [track["files"] for track in pooled["tracks"]] == [[1], [2]]
    for track, one in zip(pooled["tracks"], alone, strict=True):
        assert one["cached"]
        assert track["problem"] is None
        assert track["suggested"] == {**one, "cached": False}


def test_one_track_scores_as_alone(stub: Server) -> None:
    track = new_track()
    alone = answer(post(stub, track))
    pooled = answer(post_all(stub, track))
    assert pooled["suggestions"] == [
        {name: value for name, value in suggestion.items() if name != "heard_at"}
        for suggestion in alone["suggestions"]
    ]
    assert pooled["tracks"][0]["suggested"]["cached"]


def test_identical_files_count_once(stub: Server) -> None:
    one, two = new_track(4), new_track(4)
    before = inferred_s(stub, "msd-musicnn")
    pooled = answer(post_all(stub, one, two, one, one))
    assert inferred_s(stub, "msd-musicnn") == before + 8
    assert [track["files"] for track in pooled["tracks"]] == [[1, 3, 4], [2]]
    assert pooled["suggestions"] == answer(post_all(stub, two, one))["suggestions"]


def test_a_track_that_fails_does_not_fail_the_others(narrow: Narrow) -> None:
    bad = [b"no audio", b"", bytes(MAX_UPLOAD_BYTES + 1)]
    before = metric(narrow.server, "taggram_errors_total", kind="unsupported_audio")
    pooled = answer(post_all(narrow.server, bad[0], narrow.good, *bad[1:]))
    problems = [track["problem"] and track["problem"]["type"] for track in pooled["tracks"]]
    assert problems == [
        "/problems/unsupported_audio",
        None,
        "/problems/invalid_parameter",
        "/problems/payload_too_large",
    ]
    assert pooled["tracks_read"] == 1
    assert pooled["suggestions"] == answer(post_all(narrow.server, narrow.good))["suggestions"]
    after = metric(narrow.server, "taggram_errors_total", kind="unsupported_audio")
    assert after == before + 1


def test_if_all_tracks_fail_the_problem_lists_why(stub: Server) -> None:
    problem = assert_problem(post_all(stub, b"text", b""), 422, "no_readable_track")
    assert [track["files"] for track in problem["tracks"]] == [[1], [2]]
    kinds = [track["problem"]["type"] for track in problem["tracks"]]
    assert kinds == ["/problems/unsupported_audio", "/problems/invalid_parameter"]
    assert "file 1: the audio format is not supported" in problem["detail"]


def test_more_than_ten_files_are_refused(stub: Server) -> None:
    assert len(answer(post_all(stub, *[new_track(1) for _ in range(10)]))["tracks"]) == 10
    problem = assert_problem(post_all(stub, *[b"x"] * 11), 400, "malformed_request")
    assert "more than 10 parts" in problem["detail"]


def test_files_that_are_too_large_together_are_refused(narrow: Narrow) -> None:
    parts = [bytes(MAX_UPLOAD_BYTES)] * 3
    problem = assert_problem(post_all(narrow.server, *parts), 413, "payload_too_large")
    assert problem["max_bytes"] == MAX_POOLED_BYTES
    assert "together" in problem["detail"]
    assert answer(post(narrow.server, narrow.good))  # its permit is free again


@pytest.mark.parametrize(
    ("files", "kind"), [([], "unsupported_media_type"), ([("other", b"x")], "invalid_parameter")]
)
def test_a_form_without_files_is_refused(
    stub: Server, files: list[tuple[str, bytes]], kind: str
) -> None:
    response = stub.http.post("/suggest-tags/pooled", files=files)
    assert response.json()["type"] == f"/problems/{kind}"


def test_files_larger_than_a_flush_keep_their_bytes(stub: Server) -> None:
    large = [new_track(60) for _ in range(3)]
    assert all(len(track) > 2**20 for track in large)
    pooled = answer(post_all(stub, *large, b"x"))
    ids = [answer(post(stub, track))["track_id"] for track in large]
    assert [track["suggested"]["track_id"] for track in pooled["tracks"][:3]] == ids


def test_forms_that_share_tracks_analyse_them_once(stub: Server) -> None:
    tracks = [new_track(4) for _ in range(4)]
    before = inferred_s(stub, "msd-musicnn")
    with ThreadPoolExecutor(2) as clients:
        both = list(clients.map(lambda _: answer(post_all(stub, *tracks)), range(2)))
    assert both[0]["suggestions"] == both[1]["suggestions"]
    assert inferred_s(stub, "msd-musicnn") == before + 16


def test_each_file_costs_a_use_of_a_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tokens")
    key = create_key(folder / "keys.json", "platform", admin=False)
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_KEYS_FILE": str(folder / "keys.json"),
        "TAGGRAM_SECRET": "s" * 40,
        "TAGGRAM_UPLOAD_TOKEN_USES": "3",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
    }
    with serving(folder / "log", settings, STUB) as server:
        assert_problem(post_all(server, b"x"), 401, "unauthorized")
        bearer = {"Authorization": f"Bearer {key}"}
        token = server.http.post("/upload-tokens", json={"origin": ORIGIN}, headers=bearer).json()
        server.http.headers.update({"Authorization": f"Bearer {token['token']}", "Origin": ORIGIN})
        assert answer(post_all(server, new_track(1), new_track(1)))["tracks_read"] == 2
        assert_problem(post_all(server, new_track(1), new_track(1)), 403, "forbidden")
