"""`taggram recommend train`, and `taggram models` with what it publishes."""

from pathlib import Path

import pytest

from app.errors import SetupError
from app.recommender.serving.publishing import check_name
from app.recommender.serving.recommender import load_recommender
from app.store.storage.store import Store
from tests.cli.conftest import Refused, Taggram

SIZES = ("--artists", "120", "--curators", "40", "--sparsity", "0.8")
OUT = ("--out", "store", "--name", "curators")


@pytest.fixture
def made(taggram: Taggram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated platform, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert taggram("recommend", "simulate", "made", *SIZES).exit_code == 0
    return Path("made")


def chosen(*models: str) -> list[str]:
    return [part for model in models for part in ("--models", model)]


def test_the_best_model_is_published_promoted_and_described(taggram: Taggram, made: Path) -> None:
    data = (made / "tables", "--catalogue", made / "catalogue", *OUT)

    trained = taggram("recommend", "train", *data, *chosen("subgenre-cosine", "linear-tags"))

    assert trained.exit_code == 0, trained.output
    assert "subgenre-cosine: auc_sent 0." in trained.stderr
    assert trained.stdout == "curators/1, linear-tags, is published in store.\n"
    manifest = load_recommender(Store("store"), "curators").manifest
    assert manifest.model == "linear-tags"
    assert manifest.vectors is not None
    assert manifest.vectors.models == ("simulated/1",)
    assert "subgenre-cosine" in manifest.evaluation.others
    assert {each.slice for each in manifest.evaluation.figures} >= {"all", "cold artists"}
    again = taggram("recommend", "train", *data, *chosen("popularity"))
    assert again.stdout == "curators/2, popularity, is published in store.\n"
    assert load_recommender(Store("store"), "curators").manifest.version == "2"

    def models(*arguments: str) -> str:
        result = taggram("models", *arguments, "--store", "store")
        assert result.exit_code == 0, result.output
        return result.stdout

    assert models("promote", "curators", "1") == "curators/1 is in production.\n"
    assert load_recommender(Store("store"), "curators").manifest.version == "1"
    models("promote", "curators", "2")
    assert models("rollback", "curators") == "curators/1 is in production.\n"
    assert models("verify") == "curators/1: as published\ncurators/2: as published\n"
    listed = models("list").splitlines()
    (first,) = [line for line in listed if "linear-tags of" in line]
    assert "production" in first
    assert "ready" in first
    card = models("card", "curators")
    assert card.startswith("# curators/1\n")
    assert "94 tags (raw tags) of simulated/1" in card
    models("remove", "curators", "2", "--yes")
    third = taggram("recommend", "train", *data, *chosen("popularity"))
    assert "curators/3" in third.stdout  # the number of a removed version is not used again


def test_a_model_without_tags_needs_no_catalogue(taggram: Taggram, made: Path) -> None:
    result = taggram("recommend", "train", made / "tables", *OUT, *chosen("popularity", "linear"))

    assert result.exit_code == 0, result.output
    manifest = load_recommender(Store("store"), "curators").manifest
    assert (manifest.tags, manifest.vectors, manifest.trained_on.tracks) == ((), None, 0)


@pytest.mark.thorough
def test_by_default_the_best_of_all_models_is_published(taggram: Taggram, made: Path) -> None:
    pytest.importorskip("keras_rs", reason="keras-rs is not installed")
    data = (made / "tables", "--catalogue", made / "catalogue", *OUT)

    result = taggram("recommend", "train", *data)

    assert result.exit_code == 0, result.output
    assert "training neural-tags: epoch 1, loss" in result.stderr
    for model in ("popularity", "tag-cosine", "linear", "neural-tags"):
        assert f"{model}: auc_sent" in result.stderr
    assert "als" not in result.output
    assert not list(Path("cache").rglob("*.state"))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("made/tables", *OUT, *chosen("als")), "als can't be served: it knows artists by their"),
        (("made/tables", *OUT, *chosen("best")), "'best' is not a model"),
        (("made/tables", *OUT, *chosen("tag-cosine")), "tag-cosine needs tag vectors"),
        (("made/tables", "--out", "store", "--name", "../a"), "can't name a recommender"),
        (("made/tables", "--out", "no/where", "--name", "a"), "no/where: can't be written"),
        (("nowhere", *OUT), "expected a folder with tables, or a URL"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    refused: Refused, made: Path, arguments: tuple[str, ...], why: str
) -> None:
    assert why in refused("recommend", "train", *arguments)
    assert not list(Path("store").rglob("*.toml"))


def test_names_of_published_models_are_not_used(store: Path) -> None:
    with pytest.raises(SetupError, match="have different names"):
        check_name(Store(store), "mtt-vgg")
