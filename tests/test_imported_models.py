"""Imported models among those that are served: backbones and licences."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ManifestError, SetupError, WeightsError
from app.model_catalog import read_catalog
from app.settings import Settings
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog
from tests.support import network_imports

Read = Callable[..., ModelCatalog]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a backbone for non-commercial use, a head on it, and an embedding alone."""
    place = tmp_path_factory.mktemp("networks")
    (place / "store").mkdir()
    store = Store(place / "store")
    with network_imports.converting_here():
        network_imports.import_backbone(
            store, place, licence="CC BY-NC-SA 4.0", commercial_use=False
        )
        network_imports.import_head(store, place, "head")
        network_imports.import_backbone(store, place, name="encoder", tags=None)
        network_imports.import_head(store, place, "probe", on="encoder")
    return place / "store"


@pytest.fixture
def read(networks: Path, tmp_path: Path) -> Read:
    """Reads the catalogue of models in a copy of the store."""
    shutil.copytree(networks, tmp_path / "store")

    def read_models(*names: str, **settings: object) -> ModelCatalog:
        values = {"model_store": str(tmp_path / "store"), "models": names, **settings}
        return read_catalog(Settings(_env_file=None, **values))

    return read_models


def test_a_head_needs_its_backbone_once(read: Read):
    catalog = read("head", "probe")

    assert [str(model.ref) for model in catalog.models] == ["head/1", "probe/1"]
    assert {str(model.ref) for model in catalog.backbones} == {"backbone/1", "encoder/1"}


def test_a_head_without_its_backbone_is_refused_at_the_start(read: Read, tmp_path: Path):
    weights = tmp_path / "store" / "backbone" / "1" / "network.zip"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="weights of backbone/1 are altered; restore them"):
        read("head")

    shutil.rmtree(tmp_path / "store" / "backbone")
    with pytest.raises(
        ManifestError, match="TAGGRAM_MODELS: head/1 is a head on the embedding of backbone/1, whi"
    ):
        read("head")


def test_an_embedding_alone_is_not_served(read: Read):
    with pytest.raises(SetupError, match="TAGGRAM_MODELS: encoder/1 has no tags, only an embedd"):
        read("encoder")


@pytest.mark.parametrize("names", [("backbone",), ("head",), ("probe", "head")])
def test_a_commercial_service_refuses_models_without_commercial_use(
    names: tuple[str, ...], read: Read
):
    assert read(*names)

    with pytest.raises(SetupError) as refused:
        read(*names, commercial=True)

    assert str(refused.value) == (
        "backbone/1: its licence, CC BY-NC-SA 4.0, does not allow commercial use; remove it from "
        "TAGGRAM_MODELS, or set TAGGRAM_COMMERCIAL=false"
    )


def test_a_commercial_service_refuses_models_that_do_not_state_commercial_use(
    read: Read, tmp_path: Path
):
    manifest = tmp_path / "store" / "probe" / "1" / "manifest.toml"
    text = manifest.read_text()
    manifest.write_text(text.replace("commercial_use = true\n", ""))
    assert manifest.read_text() != text
    assert read("probe")

    with pytest.raises(
        SetupError, match=r"probe/1: its licence, CC0-1\.0, does not state commerci"
    ):
        read("probe", commercial=True)


def test_a_commercial_service_serves_models_with_commercial_use(read: Read):
    assert read("probe", commercial=True).models
