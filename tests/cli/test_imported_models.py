"""`taggram models` with networks of other projects."""

from functools import partial
from pathlib import Path

import pytest

from app.errors import SetupError
from app.model_catalog import read_catalog
from app.settings import Settings
from app.store.storage.store import Store
from tests.cli.conftest import Taggram
from tests.support import network_imports, small_network


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a backbone and a head on it."""
    place = tmp_path_factory.mktemp("networks")
    (place / "store").mkdir()
    store = Store(place / "store")
    with network_imports.converting_here():
        network_imports.import_backbone(
            store, place, licence="CC BY-NC-SA 4.0", commercial_use=False
        )
        network_imports.import_head(store, place, "head")
    return place / "store"


def test_imported_models_are_listed_verified_and_described(networks: Path, taggram: Taggram):
    models = partial(taggram, "models", TAGGRAM_MODEL_STORE=str(networks))

    listed = models("list")
    assert listed.exit_code == 0
    assert "CC BY-NC-SA 4.0" in listed.output
    verified = models("verify")
    assert verified.exit_code == 0
    assert verified.output == "backbone/1: as published\nhead/1: as published\n"
    card = models("card", "head")
    assert card.exit_code == 0
    assert "Head on the embedding of backbone/1" in card.output


def test_a_network_is_imported_by_a_command(tmp_path: Path, taggram: Taggram):
    (tmp_path / "store").mkdir()
    file = small_network.save_onnx(tmp_path / "network.onnx")
    network_imports.source(tmp_path)  # writes labels and front end

    done = taggram(
        *("models", "import-network", file, "--name", "small", "--licence", "MIT"),
        *("--tags", tmp_path / "tags.txt", "--front-end", tmp_path / "front_end.toml"),
        *("--embedding", small_network.EMBEDDINGS, "--non-commercial"),
        TAGGRAM_MODEL_STORE=str(tmp_path / "store"),
    )

    assert done.exit_code == 0
    assert "small/1 is published in" in done.output
    with pytest.raises(SetupError, match="small/1: its licence, MIT, does not allow commercial"):
        read_catalog(
            Settings(
                _env_file=None,
                model_store=str(tmp_path / "store"),
                models=["small"],
                commercial=True,
            )
        )
