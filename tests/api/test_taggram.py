"""How tags move through a track: as numbers, as a table, as a picture."""

import csv
from typing import Any

import httpx
import numpy as np
import pytest

from app.tagging.pooling import Pooling
from testing.server import Server
from tests.support.client import answer, assert_problem, inferred_s, new_track, post

SIX_DECIMALS = 1.01e-6
A_BROWSERS_IMG = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
UNKNOWN = "0" * 64


@pytest.fixture(scope="module")
def url(stub: Server, varied: bytes) -> str:
    """Where the taggram of a known track is."""
    taggram_url: str = answer(post(stub, varied))["taggram_url"]
    return taggram_url


@pytest.fixture(scope="module")
def taggram(stub: Server, url: str) -> dict[str, Any]:
    """It as JSON."""
    return answer(stub.http.get(url))


def requested(server: Server, url: str, accept: str) -> httpx.Response:
    return server.http.get(url, headers={"Accept": accept})


def test_a_row_is_a_window_and_a_column_is_a_tag(taggram: dict[str, Any]) -> None:
    windows, tags = len(taggram["times_s"]), len(taggram["tags"])
    assert np.shape(taggram["scores"]) == (windows, tags)
    assert windows == 4  # of 3 s in 12 s
    assert len(set(taggram["tags"])) == tags
    assert np.min(taggram["scores"]) >= 0
    assert np.max(taggram["scores"]) <= 1


def test_a_taggram_names_its_track_and_its_models(taggram: dict[str, Any], url: str) -> None:
    assert taggram["track_id"] in url
    assert taggram["vocabulary"] == "subgenres"
    assert taggram["model"] == {"name": "msd-musicnn", "version": "1"}
    assert [model["name"] for model in taggram["models"]] == ["msd-musicnn", "mtt-musicnn"]


def test_windows_are_sorted_by_time(taggram: dict[str, Any]) -> None:
    starts = np.arange(len(taggram["times_s"])) * taggram["hop_s"]
    assert taggram["times_s"] == pytest.approx(starts, abs=1e-3)
    assert taggram["window_s"] == pytest.approx(3, abs=0.1)


def test_the_last_window_ends_with_the_track(stub: Server) -> None:
    suggested = answer(post(stub, new_track(10.0)))
    shown = answer(stub.http.get(suggested["taggram_url"]))

    assert shown["times_s"][:3] == pytest.approx(np.arange(3) * shown["hop_s"], abs=1e-3)
    assert shown["times_s"][3] == pytest.approx(10 - shown["window_s"], abs=0.02)
    assert len(shown["scores"]) == len(shown["times_s"]) == 4
    table = requested(stub, suggested["taggram_url"], "text/csv").text.splitlines()
    assert float(table[-1].split(",")[0]) == shown["times_s"][3]
    ends = [at["end_s"] for each in suggested["suggestions"] for at in each["heard_at"]]
    assert max(ends) <= 10


def test_tags_are_sorted_by_falling_mean_over_time(taggram: dict[str, Any]) -> None:
    assert taggram["mean_scores"] == sorted(taggram["mean_scores"], reverse=True)
    means = np.mean(taggram["scores"], axis=0)
    assert taggram["mean_scores"] == pytest.approx(means, abs=SIX_DECIMALS)


@pytest.mark.parametrize("pooling", Pooling)
@pytest.mark.parametrize("vocabulary", ["genres", "subgenres", "moodthemes", "alltags", "raw"])
def test_the_pooled_score_label_and_level_of_a_tag_are_those_of_its_suggestion(
    stub: Server, varied: bytes, vocabulary: str, pooling: str
) -> None:
    posted = answer(post(stub, varied, vocabulary=vocabulary, pooling=pooling, top_k=20))
    query = {"track_id": posted["track_id"], "vocabulary": vocabulary, "pooling": pooling}
    suggested = [
        tuple(each[key] for key in ("tag", "label", "level", "score"))
        for each in posted["suggestions"]
    ]
    for top in (3, 20):
        shown = answer(stub.http.get("/taggram", params={**query, "top": top}))
        columns = (shown[key] for key in ("tags", "labels", "levels", "pooled_scores"))
        assert list(zip(*columns, strict=True)) == suggested[:top]
        assert shown["pooling"] == pooling
        assert pooling != "mean" or shown["mean_scores"] == shown["pooled_scores"]


def test_the_default_pooling_is_the_mean(stub: Server, url: str, taggram: dict[str, Any]) -> None:
    assert taggram["pooling"] == "mean"
    assert answer(stub.http.get(f"{url}&pooling=mean")) == taggram


def test_another_pooling_reorders_the_same_columns_in_all_three_formats(
    stub: Server, url: str, taggram: dict[str, Any]
) -> None:
    by_majority = f"{url}&pooling=majority"
    other = answer(stub.http.get(by_majority))
    assert other["tags"] != taggram["tags"]
    assert other["pooled_scores"] == sorted(other["pooled_scores"], reverse=True)
    by_tag, others_by_tag = (
        dict(zip(each["tags"], np.transpose(each["scores"]).tolist(), strict=True))
        for each in (taggram, other)
    )
    assert others_by_tag == by_tag
    table = requested(stub, by_majority, "text/csv").text
    assert table.splitlines()[0] == ",".join(["time_s", *other["tags"]])
    picture = requested(stub, by_majority, "image/png").content
    assert picture != requested(stub, url, "image/png").content


def test_pooling_covers_the_windows_shown(stub: Server, url: str) -> None:
    part = answer(stub.http.get(f"{url}&pooling=softmax&start_s=4&end_s=8"))
    scores = np.array(part["scores"])
    weights = np.exp(scores)
    pooled = (weights * scores).sum(axis=0) / weights.sum(axis=0)
    assert part["pooled_scores"] == pytest.approx(pooled, abs=2 * SIX_DECIMALS)


def test_a_taggram_has_the_duration_and_the_confidence_of_the_suggestions(
    stub: Server, varied: bytes
) -> None:
    for audio in (varied, new_track()):
        posted = answer(post(stub, audio))
        shown = answer(stub.http.get(f"{posted['taggram_url']}&end_s=3"))
        assert shown["duration_s"] == posted["duration_s"]
        assert shown["confidence"] == posted["confidence"]


def test_a_taggram_runs_no_model(stub: Server, url: str) -> None:
    before = inferred_s(stub, "msd-musicnn"), inferred_s(stub, "mtt-musicnn")
    for accept in ("application/json", "image/png", "text/csv"):
        requested(stub, url, accept)
    assert (inferred_s(stub, "msd-musicnn"), inferred_s(stub, "mtt-musicnn")) == before


def test_top_keeps_the_tags_with_the_highest_means(
    stub: Server, url: str, taggram: dict[str, Any]
) -> None:
    best = answer(stub.http.get(f"{url}&top=3"))
    assert best["tags"] == taggram["tags"][:3]
    assert best["scores"] == [row[:3] for row in taggram["scores"]]
    assert answer(stub.http.get(f"{url}&top=1000")) == taggram


def test_a_part_of_the_track_can_be_cut_out(
    stub: Server, url: str, taggram: dict[str, Any]
) -> None:
    part = answer(stub.http.get(f"{url}&start_s=4&end_s=8"))
    assert part["times_s"] == taggram["times_s"][1:3]
    means = dict(zip(part["tags"], part["mean_scores"], strict=True))
    for column, tag in enumerate(taggram["tags"]):
        windows = [row[column] for row in taggram["scores"][1:3]]
        assert means[tag] == pytest.approx(np.mean(windows), abs=SIX_DECIMALS)


@pytest.mark.parametrize("cut", ["start_s=12", "start_s=9&end_s=3"])
def test_a_part_without_any_window_is_refused(stub: Server, url: str, cut: str) -> None:
    problem = assert_problem(stub.http.get(f"{url}&{cut}"), 422, "invalid_parameter")
    assert "12.0 s" in problem["detail"]


@pytest.mark.parametrize(
    "cut",
    [
        "top=0",
        "top=x",
        "start_s=-1",
        "start_s=nan",
        "end_s=0",
        "until=3",
        "pooling=max",
        "include=samples",
        "include=",
    ],
)
def test_an_invalid_parameter_is_named(stub: Server, url: str, cut: str) -> None:
    problem = assert_problem(stub.http.get(f"{url}&{cut}"), 422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == [cut.partition("=")[0]]


def test_the_csv_holds_the_same_table(stub: Server, url: str, taggram: dict[str, Any]) -> None:
    response = requested(stub, url, "text/csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    header, *rows = csv.reader(response.text.splitlines())
    assert header == ["time_s", *taggram["tags"]]
    table = np.array(rows, dtype=float)
    assert table[:, 0] == pytest.approx(np.array(taggram["times_s"]))
    assert table[:, 1:] == pytest.approx(np.array(taggram["scores"]))


@pytest.mark.parametrize("accept", ["image/png", A_BROWSERS_IMG, "text/csv;q=0.5, image/*"])
def test_a_picture_is_sent_if_accepted(stub: Server, url: str, accept: str) -> None:
    response = requested(stub, url, accept)
    assert response.headers["Content-Type"] == "image/png"
    assert response.content.startswith(PNG_SIGNATURE)


def test_a_picture_of_fewer_tags_is_lower(stub: Server, url: str) -> None:
    few, many = (
        int.from_bytes(requested(stub, f"{url}&top={top}", "image/png").content[20:24], "big")
        for top in (2, 16)
    )
    assert 0 < few < many


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json, text/plain, */*", "text/html", "image/png;q=0", "{}", ""]
)
def test_json_is_sent_if_neither_picture_nor_csv_is_accepted(
    stub: Server, url: str, taggram: dict[str, Any], accept: str
) -> None:
    response = requested(stub, url, accept)
    assert response.headers["Content-Type"] == "application/json"
    assert answer(response) == taggram


@pytest.mark.parametrize("accept", ["application/json", "image/png", "text/csv"])
def test_an_unchanged_answer_is_answered_304(stub: Server, url: str, accept: str) -> None:
    headers = {"Accept": accept, "If-None-Match": requested(stub, url, accept).headers["ETag"]}
    response = stub.http.get(url, headers=headers)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == headers["If-None-Match"]


def test_an_outdated_etag_gets_the_whole_answer(stub: Server, url: str) -> None:
    tag = requested(stub, url, "text/csv").headers["ETag"]
    response = stub.http.get(url, headers={"Accept": "image/png", "If-None-Match": tag})
    assert response.content.startswith(PNG_SIGNATURE)


@pytest.mark.parametrize("condition", ['"older", {tag}', "{strong}", "*"])
def test_an_etag_matches_in_every_valid_spelling(stub: Server, url: str, condition: str) -> None:
    tag = stub.http.get(url).headers["ETag"]
    named = condition.format(tag=tag, strong=tag.removeprefix("W/"))
    response = stub.http.get(url, headers={"If-None-Match": named})
    assert response.status_code == httpx.codes.NOT_MODIFIED


def test_other_tags_or_another_part_have_another_etag(stub: Server, url: str) -> None:
    tags = {
        stub.http.get(requested_url).headers["ETag"]
        for requested_url in (url, f"{url}&top=2", f"{url}&end_s=5")
    }
    assert len(tags) == 3


@pytest.mark.parametrize(("encoding", "sent"), [("gzip", "gzip"), ("identity", None)])
def test_the_answer_is_compressed_if_accepted(
    stub: Server, url: str, taggram: dict[str, Any], encoding: str, sent: str | None
) -> None:
    response = stub.http.get(url, headers={"Accept-Encoding": encoding})
    assert response.headers.get("Content-Encoding") == sent
    assert {"Accept", "Accept-Encoding"} <= set(response.headers["Vary"].split(", "))
    assert answer(response) == taggram


def test_an_unknown_track_is_refused_with_advice(stub: Server) -> None:
    response = stub.http.get("/taggram", params={"track_id": UNKNOWN})
    problem = assert_problem(response, 404, "unknown_track")
    assert "POST the track to /suggest-tags" in problem["detail"]


def test_a_picture_of_an_unknown_track_is_refused_in_json(stub: Server) -> None:
    response = requested(stub, f"/taggram?track_id={UNKNOWN}", "image/png")
    assert_problem(response, 404, "unknown_track")


@pytest.mark.parametrize(
    "track_id", ["", "abc", "g" * 64, "A" * 64, "0" * 65, f"{UNKNOWN}\n", "../" + "0" * 61]
)
def test_an_invalid_track_id_is_refused(stub: Server, track_id: str) -> None:
    response = stub.http.get("/taggram", params={"track_id": track_id})
    problem = assert_problem(response, 422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == ["track_id"]


def test_a_track_id_is_required(stub: Server) -> None:
    assert_problem(stub.http.get("/taggram"), 422, "invalid_parameter")


@pytest.mark.parametrize(
    ("parameter", "kind"), [("vocabulary", "unknown_vocabulary"), ("model", "unknown_model")]
)
def test_unknown_names_are_refused(stub: Server, url: str, parameter: str, kind: str) -> None:
    track_id = httpx.URL(url).params["track_id"]
    query = {"track_id": track_id, parameter: "polka"}
    assert_problem(stub.http.get("/taggram", params=query), 404, kind)


def test_a_model_without_a_taggram_of_the_track_is_named(stub: Server) -> None:
    posted = answer(post(stub, new_track(), model="msd-musicnn"))
    assert answer(stub.http.get(posted["taggram_url"]))["track_id"] == posted["track_id"]
    response = stub.http.get("/taggram", params={"track_id": posted["track_id"]})
    problem = assert_problem(response, 404, "unknown_track")
    assert "no scores of mtt-musicnn" in problem["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_taggram_is_read_only(stub: Server, url: str, method: str) -> None:
    response = stub.http.request(method, url)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET"
