"""Which of the published models are served."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import fsspec
import pytest

from app.domain import ModelRef
from app.errors import ManifestError, SetupError, WeightsError
from app.model_catalog import read_catalog
from app.settings import Settings
from app.store.registry.alias_changes import rollback, set_alias
from app.store.storage.store import Store
from tests.support.s3_server import new_bucket, s3_server

NAME = "mtt-vgg"


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    with s3_server():
        yield


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.thorough)])
def models(
    request: pytest.FixtureRequest, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """A store with three versions of mtt-vgg, and one of msd-vgg."""
    folder = tmp_path / "models"
    shutil.copytree(store / "msd-vgg", folder / "msd-vgg")
    for version in "123":
        manifest = shutil.copytree(store / NAME / "1", folder / NAME / version) / "manifest.toml"
        text = manifest.read_text()
        manifest.write_text(text.replace('version = "1"', f'version = "{version}"'))
    if request.param == "folder":
        return Store(folder)
    request.getfixturevalue("s3")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    bucket = new_bucket()
    fsspec.filesystem("s3").put(f"{folder}/", bucket, recursive=True)
    return Store(f"s3://{bucket}")


def served(models: Store, *wanted: str) -> list[str]:
    settings = Settings(_env_file=None, model_store=models.url, models=wanted)
    return [str(manifest.ref) for manifest in read_catalog(settings).models]


def test_the_newest_version_is_served_until_another_is_promoted(models: Store):
    assert served(models, NAME, "msd-vgg") == ["mtt-vgg/3", "msd-vgg/1"]

    set_alias(models, ModelRef(NAME, "1"), "production")
    set_alias(models, ModelRef(NAME, "2"), "production")
    assert served(models, NAME, "msd-vgg") == ["mtt-vgg/2", "msd-vgg/1"]

    rollback(models, NAME)
    assert served(models, NAME) == ["mtt-vgg/1"]


def test_a_version_or_an_alias_may_be_named(models: Store):
    set_alias(models, ModelRef(NAME, "1"), "staging")
    set_alias(models, ModelRef(NAME, "2"), "production")

    assert served(models, "mtt-vgg/3") == ["mtt-vgg/3"]
    assert served(models, "mtt-vgg/staging") == ["mtt-vgg/1"]
    assert served(models, "mtt-vgg/production") == ["mtt-vgg/2"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            "mtt-vg",
            "TAGGRAM_MODELS: 'mtt-vg' is not published in .*; expected one of msd-vgg, mtt-vgg",
        ),
        ("mtt-vgg/4", "'mtt-vgg/4' is not .*; expected one of mtt-vgg/1, mtt-vgg/2, mtt-vgg/3$"),
        ("mtt-vgg/beta", "'mtt-vgg/beta' is not .*; expected one of mtt-vgg/1"),
        ("mtt-vgg/", "'mtt-vgg/' is not published in"),
        ("mtt-vgg/1/2", "'mtt-vgg/1/2' is not published in"),
        ("../mtt-vgg", "'../mtt-vgg' is not published in"),
        ("", "'' is not published in"),
    ],
)
def test_an_unpublished_model_is_refused_with_a_list_of_the_published_ones(
    wanted: str, words: str, models: Store
):
    with pytest.raises(ManifestError, match=words):
        served(models, wanted)


@pytest.mark.parametrize(
    "wanted", [(NAME, NAME), (NAME, "mtt-vgg/2"), ("mtt-vgg/1", "msd-vgg", "mtt-vgg/2")]
)
def test_one_model_cannot_be_served_in_two_versions(wanted: tuple[str, ...], models: Store):
    with pytest.raises(SetupError, match="TAGGRAM_MODELS names 'mtt-vgg' more than once"):
        served(models, *wanted)


def vocabulary_models_of(
    models: Store, vocabulary_models: Sequence[str], *, at_most: int = 4
) -> list[str]:
    settings = Settings(
        _env_file=None,
        model_store=models.url,
        models=(NAME, "msd-vgg"),
        vocabulary_models=vocabulary_models,
        max_loaded_models=at_most,
    )
    return [model.name for model in read_catalog(settings).projection("genres", None).models]


def test_vocabularies_use_all_models_that_fit_in_memory_or_the_named_ones(models: Store):
    assert vocabulary_models_of(models, ()) == [NAME, "msd-vgg"]
    assert vocabulary_models_of(models, (), at_most=1) == [NAME]
    assert vocabulary_models_of(models, ("msd-vgg",)) == ["msd-vgg"]
    assert vocabulary_models_of(models, ("msd-vgg", NAME), at_most=1) == ["msd-vgg"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (("mtt-musicnn",), "TAGGRAM_VOCABULARY_MODELS names 'mtt-musicnn', .* one of mtt-vgg, msd"),
        (("mtt-vgg/3",), "TAGGRAM_VOCABULARY_MODELS names 'mtt-vgg/3', .* one of mtt-vgg, msd-vgg"),
        ((NAME, NAME), "TAGGRAM_VOCABULARY_MODELS names 'mtt-vgg' more than once"),
    ],
)
def test_a_vocabulary_model_that_is_not_served_is_refused(
    named: Sequence[str], words: str, models: Store
):
    with pytest.raises(SetupError, match=words):
        vocabulary_models_of(models, named)


def test_only_served_models_need_their_weights(models: Store):
    models.write("mtt-vgg/2/weights.safetensors", b"something else")

    assert served(models, NAME) == ["mtt-vgg/3"]
    with pytest.raises(WeightsError, match="The weights of mtt-vgg/2 are altered"):
        served(models, "mtt-vgg/2")
