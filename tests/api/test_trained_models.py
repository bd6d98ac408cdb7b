"""Models that were trained on a vocabulary serve it at once, and show their training data."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.store.manifest.training_results import BaseRates
from app.store.storage.store import Store
from testing.server import STUB, Server, serving
from tests.support import trained
from tests.support.client import answer, assert_problem, noise_file, post
from tests.support.trained import figures

WORDS = ("drill", "hyperpop", "phonk")
MEASURED = trained.evaluation(
    *(figures(tag, threshold=0.4) for tag in WORDS[:2]), task="house-style"
)
TRACK = noise_file(4)
COPIED = ("track_id", "models", "vocabulary", "vocabulary_version", "pooling", "confidence")
"""From an answer into the feedback on it."""


@pytest.fixture(scope="module")
def models(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A published model, one with its own vocabulary, and one trained on a few subgenres."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(store / "msd-musicnn", folder / "msd-musicnn")
    models = Store(folder)
    rates = BaseRates(source="Counted.", rates=(0.5, 0.25, 0.25))
    trained.publish(models, "house", WORDS, "house-style", MEASURED, base_rates=rates)
    trained.publish(models, "finer", ("ambient", "trance"), "subgenres")
    return models


@pytest.fixture(scope="module")
def trained_server(models: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of all three."""
    settings = {
        "TAGGRAM_MODEL_STORE": models.url,
        "TAGGRAM_MODELS": '["msd-musicnn", "house", "finer"]',
    }
    with serving(tmp_path_factory.mktemp("trained") / "log", settings, STUB) as running:
        yield running


@contextmanager
def second_version(
    models: Store, trained_server: Server, name: str, tags: tuple[str, ...]
) -> Iterator[None]:
    """Publish a second version of a model for subgenres, and take it back in the end."""
    trained.publish(models, name, tags, "subgenres", seed=1)
    try:
        yield
    finally:
        shutil.rmtree(Path(models.url) / name / "2")
        answer(trained_server.http.post("/models/reload"))


def raw_tags(server: Server, vocabulary: str) -> dict[str, dict[str, list[str]]]:
    """The raw tags behind each covered tag of a vocabulary, by model."""
    listed = {each["name"]: each for each in answer(server.http.get("/vocabularies"))}
    tags = listed[vocabulary]["tags"]
    assert all(tag["covered"] == bool(tag["heard_as"]) for tag in tags)
    return {tag["tag"]: tag["heard_as"] for tag in tags if tag["covered"]}


def model(server: Server, name: str) -> dict[str, Any]:
    """What is said about a model."""
    listed = {each["name"]: each for each in answer(server.http.get("/models"))}
    return listed[name]


def test_a_model_s_own_vocabulary_is_suggested(trained_server: Server) -> None:
    answered = answer(post(trained_server, TRACK, vocabulary="house-style"))

    assert {each["tag"] for each in answered["suggestions"]} == set(WORDS)
    assert answered["models"] == [{"name": "house", "version": "1"}]
    assert (answered["vocabulary"], answered["vocabulary_version"]) == ("house-style", "1")
    assert answered["confidence"] == "unknown"
    shown = answer(trained_server.http.get(answered["taggram_url"]))
    assert set(shown["tags"]) == set(WORDS)
    assert raw_tags(trained_server, "house-style") == {tag: {"house": [tag]} for tag in WORDS}


def test_its_scores_follow_its_raw_scores_and_how_common_the_tags_were_in_training(
    trained_server: Server,
) -> None:
    own, raw = (
        answer(trained_server.http.get(answer(post(trained_server, TRACK, **query))["taggram_url"]))
        for query in ({"vocabulary": "house-style"}, {"vocabulary": "raw", "model": "house"})
    )
    rates = dict(zip(WORDS, (0.5, 0.25, 0.25), strict=True))

    raw_scores = np.transpose(raw["scores"])
    for tag, scores in zip(own["tags"], np.transpose(own["scores"]), strict=True):
        of_windows = raw_scores[raw["tags"].index(tag)]
        lifts = of_windows / (of_windows + rates[tag])
        assert scores == pytest.approx(lifts * lifts.mean() ** 0.5, abs=1e-5)
    assert len(set(own["mean_scores"])) == len(WORDS)


def test_a_model_trained_on_a_built_in_vocabulary_scores_its_tags(
    trained_server: Server,
) -> None:
    covered = raw_tags(trained_server, "subgenres")

    assert covered["trance"] == {"finer": ["trance"]}
    assert covered["ambient"] == {"finer": ["ambient"]}
    assert covered["metal"] == {"msd-musicnn": ["metal", "heavy metal"]}
    answered = answer(post(trained_server, TRACK, vocabulary="subgenres", top_k=20))
    assert [each["name"] for each in answered["models"]] == ["msd-musicnn", "finer"]
    assert answered["confidence"] != "unknown"  # msd-musicnn has typical scores, "finer" has none


def test_another_named_model_still_gives_its_own_tags(trained_server: Server) -> None:
    request = {"vocabulary": "subgenres", "model": "msd-musicnn", "top_k": 20}
    answered = answer(post(trained_server, TRACK, **request))

    assert answered["models"] == [{"name": "msd-musicnn", "version": "1"}]
    shown = answer(trained_server.http.get(answered["taggram_url"]))
    assert "ambient" in shown["tags"]
    assert "trance" not in shown["tags"]


def test_a_model_shows_its_trained_tags_and_their_evaluation(trained_server: Server) -> None:
    house, published = model(trained_server, "house"), model(trained_server, "msd-musicnn")

    assert house["vocabulary"] == "house-style"
    assert house["confidence"] is None
    assert house["thresholds"] == {"precision": 0.8, "scores": {"drill": 0.4, "hyperpop": 0.4}}
    assert house["calibration"] == MEASURED.calibration.model_dump(mode="json")
    assert house["evaluation"]["roc_auc_interval"] == [0.88, 0.93]
    assert house["evaluation"]["tracks"] == 2_104
    assert house["evaluation"]["fingerprint"] == MEASURED.fingerprint
    for table in ("vocabulary", "thresholds", "calibration"):
        assert published[table] is None
    assert published["evaluation"]["tracks"] is None


def test_an_unknown_vocabulary_is_refused_with_a_list_of_the_known_ones(
    trained_server: Server,
) -> None:
    problem = assert_problem(
        post(trained_server, TRACK, vocabulary="house"), 404, "unknown_vocabulary"
    )

    assert "house-style" in problem["vocabularies"]


def test_a_reload_loads_a_new_version_with_its_vocabulary(
    models: Store, trained_server: Server
) -> None:
    assert "chiptune" not in raw_tags(trained_server, "subgenres")
    with second_version(models, trained_server, "finer", ("chiptune", "trance")):
        answer(trained_server.http.post("/models/reload"))

        covered = raw_tags(trained_server, "subgenres")
        assert covered["chiptune"] == {"finer": ["chiptune"]}
        assert covered["ambient"] == {"msd-musicnn": ["ambient"]}
        answered = answer(post(trained_server, TRACK, vocabulary="subgenres", top_k=20))
        assert "chiptune" in {each["tag"] for each in answered["suggestions"]}
        assert {"name": "finer", "version": "2"} in answered["models"]


def test_a_reload_refuses_a_version_without_a_tag_of_its_vocabulary(
    models: Store, trained_server: Server
) -> None:
    before = model(trained_server, "house")
    with second_version(models, trained_server, "house", ("polka", "waltz")):
        problem = assert_problem(trained_server.http.post("/models/reload"), 409, "reload_refused")

        assert "was trained on a vocabulary 'subgenres', but has no tag" in problem["detail"]
        assert model(trained_server, "house") == before


def test_feedback_on_a_model_s_own_vocabulary_is_accepted(trained_server: Server) -> None:
    answered = answer(post(trained_server, TRACK, vocabulary="house-style"))
    feedback = {
        "id": "7b0f7a54-3f0e-4f8e-9a55-0a4a6a3c1d2e",
        **{key: answered[key] for key in COPIED},
        "shown": [
            {"tag": each["tag"], "score": each["score"], "accepted": True}
            for each in answered["suggestions"]
        ],
    }

    response = trained_server.http.post("/feedback", json=feedback)

    assert response.is_success, response.text
