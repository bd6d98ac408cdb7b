"""The answers of `POST /suggest-tags` for all parameters, and the use of the cache."""

import hashlib
from typing import Any

import pytest

from testing.server import Server
from tests.support.client import answer, inferred_s, metric, new_track, post

MODELS = ["msd-musicnn", "mtt-musicnn"]


@pytest.fixture(scope="module")
def suggested(stub: Server, varied: bytes) -> dict[str, Any]:
    """The answer to the question with all its defaults."""
    return answer(post(stub, varied))


def tags(answered: dict[str, Any]) -> list[str]:
    return [suggestion["tag"] for suggestion in answered["suggestions"]]


def inferred(server: Server) -> list[float]:
    return [inferred_s(server, model) for model in MODELS]


def test_the_answer_has_the_documented_shape(suggested: dict[str, Any], varied: bytes) -> None:
    track_id = hashlib.sha256(varied).hexdigest()
    assert (suggested["track_id"], suggested["duration_s"]) == (track_id, 12)
    assert suggested["model"] == {"name": "msd-musicnn", "version": "1"}
    assert [model["name"] for model in suggested["models"]] == MODELS
    assert (suggested["vocabulary"], suggested["pooling"]) == ("subgenres", "mean")
    assert suggested["taggram_url"].startswith(f"/taggram?track_id={track_id}")
    assert len(suggested["suggestions"]) == 5


def test_the_first_tag_and_the_confidence_of_each_answer_are_counted(
    stub: Server, suggested: dict[str, Any], varied: bytes
) -> None:
    of = {"vocabulary": "subgenres", "models": " ".join(f"{name}/1" for name in MODELS)}

    def counts() -> tuple[float, float, float]:
        return (
            metric(stub, "taggram_first_tags_total", tag=tags(suggested)[0], **of),
            metric(stub, "taggram_confidence_total", confidence=suggested["confidence"], **of),
            metric(stub, "taggram_first_tag_score_count", **of),
        )

    before = counts()
    answer(post(stub, varied, top_k=1))
    assert counts() == tuple(count + 1 for count in before)


def test_suggestions_and_their_moments_are_sorted_by_falling_score(
    suggested: dict[str, Any],
) -> None:
    scores = [suggestion["score"] for suggestion in suggested["suggestions"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)
    for suggestion in suggested["suggestions"]:
        moments = suggestion["heard_at"]
        of_moments = [moment["score"] for moment in moments]
        assert 1 <= len(moments) <= 3
        assert of_moments == sorted(of_moments, reverse=True)
        assert of_moments[0] >= suggestion["score"]
        for moment in moments:
            assert 0 <= moment["start_s"] < moment["end_s"] <= suggested["duration_s"]


def test_a_cached_answer_has_the_same_body(stub: Server) -> None:
    track = new_track()
    first, second = (answer(post(stub, track)) for _ in range(2))
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert second == first


@pytest.mark.parametrize(
    "query",
    [
        {"vocabulary": "alltags"},
        {"pooling": "majority"},
        {"pooling": "softmax"},
        {"pooling": "softmax_tags"},
        {"top_k": 20, "threshold": 0.05},
        {"model": "mtt-musicnn", "vocabulary": "raw"},
    ],
)
@pytest.mark.usefixtures("suggested")
def test_other_requests_for_a_known_track_run_no_model(
    stub: Server, varied: bytes, query: dict[str, object]
) -> None:
    before = inferred(stub)
    assert answer(post(stub, varied, **query))["cached"]
    assert inferred(stub) == before


def test_only_a_model_without_a_cached_taggram_runs(stub: Server) -> None:
    track = new_track(4)
    answer(post(stub, track, model=MODELS[0]))
    first, second = inferred(stub)
    assert not answer(post(stub, track))["cached"]
    assert inferred(stub) == [first, second + 4]


def test_top_k_cuts_the_list_and_changes_nothing_else(
    stub: Server, varied: bytes, suggested: dict[str, Any]
) -> None:
    longer = answer(post(stub, varied, top_k=12))["suggestions"]
    assert len(longer) == 12
    assert longer[:5] == suggested["suggestions"]


def test_no_tag_below_the_threshold_is_suggested(
    stub: Server, varied: bytes, suggested: dict[str, Any]
) -> None:
    bound = suggested["suggestions"][1]["score"]
    above = answer(post(stub, varied, threshold=bound - 1e-5))["suggestions"]
    assert above == suggested["suggestions"][:2]
    assert answer(post(stub, varied, threshold=1))["suggestions"] == []


def test_the_softmax_favours_the_moments_in_which_a_tag_is_strong(
    stub: Server, varied: bytes
) -> None:
    mean, softmax = (
        {
            suggestion["tag"]: suggestion["score"]
            for suggestion in answer(
                post(stub, varied, pooling=pooling, vocabulary="genres", top_k=20)
            )["suggestions"]
        }
        for pooling in ("mean", "softmax")
    )
    assert mean.keys() == softmax.keys()
    assert all(softmax[tag] >= mean[tag] for tag in mean)
    assert softmax != mean


def test_the_majority_is_a_share_of_the_windows(stub: Server, varied: bytes) -> None:
    majority = answer(post(stub, varied, pooling="majority"))
    windows = len(answer(stub.http.get(majority["taggram_url"]))["times_s"])
    assert majority["pooling"] == "majority"
    for suggestion in majority["suggestions"]:
        shares = suggestion["score"] * windows
        assert shares == pytest.approx(round(shares), abs=1e-3)


def test_a_single_model_can_be_requested(stub: Server, varied: bytes) -> None:
    alone = answer(post(stub, varied, model="mtt-musicnn", vocabulary="genres"))
    assert alone["models"] == [alone["model"]] == [{"name": "mtt-musicnn", "version": "1"}]
    assert "model=mtt-musicnn" in alone["taggram_url"]
    shown = answer(stub.http.get(alone["taggram_url"]))
    assert "indie" not in shown["tags"]  # which only the other model knows


def test_raw_returns_the_model_s_own_tags(stub: Server, varied: bytes) -> None:
    models = {model["name"]: model for model in stub.http.get("/models").json()}
    for name, model in models.items():
        raw = answer(post(stub, varied, vocabulary="raw", model=name, top_k=20))
        assert set(tags(raw)) < set(model["tags"])
    default = answer(post(stub, varied, vocabulary="raw"))
    assert default["model"]["name"] == "msd-musicnn"


def test_a_jingle_shorter_than_a_window_is_answered(stub: Server) -> None:
    jingle = answer(post(stub, new_track(0.6)))
    assert jingle["duration_s"] == pytest.approx(0.6)
    assert len(jingle["suggestions"]) == 5
    assert jingle["suggestions"][0]["heard_at"][0]["end_s"] == pytest.approx(0.6)


def test_further_parts_of_the_form_are_ignored(stub: Server) -> None:
    form = {"title": (None, b"Song"), "file": new_track(), "after": (None, b"x")}
    assert answer(stub.http.post("/suggest-tags", files=form))["suggestions"]
