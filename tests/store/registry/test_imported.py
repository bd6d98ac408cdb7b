"""Imported networks in a store are verified, and refused if they are altered."""

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.errors import ManifestError, WeightsError
from app.store.importers.networks.importing import import_network
from app.store.manifest.manifest import Manifest, read_manifest
from app.store.registry.publishing import promote, publish_folder
from app.store.registry.verification import verify
from app.store.registry.weights import sha256
from app.store.storage.store import Store
from tests.support import network_imports, small_network
from tests.support.network_imports import source


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the small network, which has an embedding."""
    place = tmp_path_factory.mktemp("published")
    (place / "store").mkdir()
    with network_imports.converting_here():
        import_network(Store(place / "store"), source(place, embedding=small_network.EMBEDDINGS))
    return place / "store"


@pytest.fixture
def networks(published: Path, tmp_path: Path) -> Store:
    """A copy of that store."""
    return Store(shutil.copytree(published, tmp_path / "store"))


@pytest.fixture
def imported(networks: Store) -> Manifest:
    return read_manifest(networks, ModelRef("small", "1"))


def rewrite(store: Store, change: Callable[[str], str]) -> Manifest:
    """Change the manifest of small/1."""
    path = Path(store.where("small/1/manifest.toml"))
    text = path.read_text()
    path.write_text(change(text))
    assert path.read_text() != text
    return read_manifest(store, ModelRef("small", "1"))


def test_an_altered_network_is_refused(networks: Store, imported: Manifest):
    path = Path(networks.where("small/1/network.zip"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(WeightsError, match="SHA-256 of the weights is not that of the manifest"):
        verify(networks, imported)

    altered = rewrite(networks, lambda text: text.replace(imported.weights.sha256, sha256(data)))
    with pytest.raises(WeightsError):
        verify(networks, altered)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mean_embedding", "the golden input's embedding differs by"),
        ("mean_scores", "the golden input's scores differ by"),
    ],
)
def test_altered_golden_outputs_are_refused(
    key: str, words: str, networks: Store, imported: Manifest
):
    first = getattr(imported.golden, key)[0]
    altered = rewrite(networks, lambda text: text.replace(f"{first!r},", f"{first * 0.9!r},"))

    for check in (lambda: verify(networks, altered), lambda: promote(networks, "small/1")):
        with pytest.raises(WeightsError, match=words):
            check()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('name = "imported"', 'name = "vgg"'),
        lambda text: re.sub(r"\[network\]\n(.+\n)+", "", text).replace(
            "mean_embedding", "mean_scores_of_none"
        ),
    ],
)
def test_a_manifest_with_one_half_of_an_imported_network_is_refused(
    change: Callable[[str], str], networks: Store, imported: Manifest
):
    with pytest.raises(ManifestError, match=r"small/1/manifest\.toml: "):
        rewrite(networks, change)


def test_the_table_of_an_imported_network_is_required(networks: Store, imported: Manifest):
    def without_network(text: str) -> str:
        values = tomllib.loads(text)
        assert values["network"]
        return re.sub(r"\[network\]\n(.+\n)+", "", text)

    with pytest.raises(ManifestError) as refused:
        rewrite(networks, without_network)

    assert "network: a model of the architecture 'imported' has this table, and no other" in str(
        refused.value
    )


def test_a_version_of_another_store_is_published_as_it_is(
    networks: Store, imported: Manifest, tmp_path: Path
):
    (tmp_path / "other").mkdir()
    other = Store(tmp_path / "other")

    copied = publish_folder(other, Store(Path(networks.where("small/1"))))

    assert copied == imported
    verify(other, copied)
