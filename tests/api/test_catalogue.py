"""Which tags and genres there are, which models know them, and that no others are suggested."""

from typing import Any

import pytest

from testing.server import Server
from tests.support.client import answer, metric, noise_file, post

VOCABULARIES = ["genres", "subgenres", "moodthemes", "alltags"]
TRACK = noise_file(4)


@pytest.fixture(scope="module")
def vocabularies(stub: Server) -> dict[str, dict[str, Any]]:
    """By name."""
    listed = stub.http.get("/vocabularies").json()
    return {vocabulary["name"]: vocabulary for vocabulary in listed}


@pytest.fixture(scope="module")
def models(stub: Server) -> dict[str, dict[str, Any]]:
    """By name."""
    return {model["name"]: model for model in stub.http.get("/models").json()}


def tags(vocabulary: dict[str, Any], *, covered: bool, of: str = "tags") -> set[str]:
    return {tag["tag"] for tag in vocabulary[of] if tag["covered"] == covered}


def test_the_four_vocabularies_are_listed(vocabularies: dict[str, dict[str, Any]]) -> None:
    assert set(vocabularies) == set(VOCABULARIES)
    assert all(vocabulary["description"] for vocabulary in vocabularies.values())


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_tag_is_covered_if_a_model_knows_it(
    vocabularies: dict[str, dict[str, Any]], models: dict[str, dict[str, Any]], name: str
) -> None:
    for tag in (*vocabularies[name]["tags"], *vocabularies[name]["genres"]):
        assert tag["covered"] == bool(tag["heard_as"])
        for model, raw_tags in tag["heard_as"].items():
            assert raw_tags
            assert set(raw_tags) <= set(models[model]["tags"])


def test_tags_that_no_model_knows_are_marked(
    vocabularies: dict[str, dict[str, Any]],
) -> None:
    subgenres = vocabularies["subgenres"]
    assert {"ambient", "metal", "techno"} <= tags(subgenres, covered=True)
    assert {"shoegaze", "trance", "dubstep"} <= tags(subgenres, covered=False)
    assert {"rock", "hiphop", "classical"} <= tags(subgenres, covered=True, of="genres")


@pytest.mark.parametrize("name", VOCABULARIES)
def test_each_tag_has_labels_and_genres_of_the_same_list(
    vocabularies: dict[str, dict[str, Any]], name: str
) -> None:
    listed = [*vocabularies[name]["tags"], *vocabularies[name]["genres"]]
    names = {tag["tag"] for tag in listed}
    for tag in listed:
        assert tag["labels"]["en"]
        assert set(tag["parents"]) <= names - {tag["tag"]}


def test_a_subgenre_has_labels_by_language_and_names_its_genres(
    vocabularies: dict[str, dict[str, Any]],
) -> None:
    by_name = {tag["tag"]: tag for tag in vocabularies["subgenres"]["tags"]}
    assert by_name["contemporary classical"]["labels"]["fr"] == "Classique contemporain"
    assert by_name["metal"]["parents"] == ["rock"]
    assert by_name["dance"]["parents"] == ["electronic", "pop"]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_suggestions_and_the_taggram_come_from_the_covered_tags_and_genres(
    stub: Server, vocabularies: dict[str, dict[str, Any]], name: str
) -> None:
    answered = answer(post(stub, TRACK, vocabulary=name, top_k=20))
    shown = answer(stub.http.get(answered["taggram_url"]))
    levels = dict(zip(shown["tags"], shown["levels"], strict=True))
    covered = tags(vocabularies[name], covered=True)
    assert {tag for tag, level in levels.items() if level == "tag"} == covered
    assert levels.keys() - covered <= tags(vocabularies[name], covered=True, of="genres")
    labels = {
        tag["tag"]: tag["labels"]["en"]
        for tag in (*vocabularies[name]["tags"], *vocabularies[name]["genres"])
    }
    assert shown["labels"] == [labels[tag] for tag in shown["tags"]]
    assert [(each["tag"], each["level"], each["label"]) for each in answered["suggestions"]] == [
        (tag, levels[tag], labels[tag]) for tag in shown["tags"][:20]
    ]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_lists_its_models(
    stub: Server, vocabularies: dict[str, dict[str, Any]], name: str
) -> None:
    answered = answer(post(stub, TRACK, vocabulary=name))
    assert answered["models"] == vocabularies[name]["models"]
    assert answered["vocabulary_version"] == vocabularies[name]["version"]


def test_the_loaded_models_are_listed_with_the_default_first(stub: Server) -> None:
    listed = stub.http.get("/models").json()
    assert [(model["name"], model["default"]) for model in listed] == [
        ("msd-musicnn", True),
        ("mtt-musicnn", False),
    ]


def test_a_model_shows_its_evaluation(models: dict[str, dict[str, Any]]) -> None:
    for model in models.values():
        assert 0.5 < model["evaluation"]["roc_auc"] < 1
        assert 0 < model["evaluation"]["pr_auc"] < 1
        assert {"noise", "tones", "speech"} <= set(model["confidence"]["radii"])
        assert all(0 < radius < 2 for radius in model["confidence"]["radii"].values())
        assert len(model["tags"]) == len(set(model["tags"])) == 50


def test_a_model_shows_its_source_and_licence(
    models: dict[str, dict[str, Any]],
) -> None:
    for model in models.values():
        assert model["licence"] == "ISC"
        assert "Pons" in model["citation"]
        assert model["url"].startswith("https://")


def test_the_metrics_name_the_served_weights_and_their_engine(
    stub: Server, models: dict[str, dict[str, Any]]
) -> None:
    for name, model in models.items():
        labels = {
            "model": name,
            "version": "1",
            "sha256": model["weights_sha256"],
            "engine": model["engine"],
            "precision": model["precision"],
        }
        assert metric(stub, "taggram_model_info", **labels) == 1
