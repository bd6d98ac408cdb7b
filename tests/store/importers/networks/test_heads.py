"""Heads are imported on the embedding of a model in the store."""

from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.domain import ModelRef
from app.errors import SetupError, TaggramError, WeightsError
from app.store.importers.networks.importing import import_network
from app.store.manifest.manifest import read_manifest
from app.store.registry.alias_changes import remove
from app.store.registry.imported import compute_outputs, load_imported
from app.store.registry.packaging import package_model
from app.store.registry.publishing import publish_package
from app.store.registry.verification import verify
from app.store.storage.store import Store
from tests.support import network_imports, small_network, tiny
from tests.support.network_imports import refusal, source


@pytest.fixture(scope="module")
def backbone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the backbone, a head with an embedding, and a model without one."""
    place = tmp_path_factory.mktemp("backbones")
    (place / "store").mkdir()
    store = Store(place / "store")
    with network_imports.converting_here():
        network_imports.import_backbone(store, place)
        import_network(store, source(place))
    publish_package(store, package_model(tiny.spec(), tiny.weights()))
    return place


@pytest.fixture
def backbones(backbone_folder: Path) -> Store:
    return Store(backbone_folder / "store")


def test_a_head_takes_the_embedding_of_its_backbone(backbones: Store, tmp_path: Path):
    manifest = network_imports.import_head(backbones, tmp_path, "head", ("a", "b", "c", "d"))

    assert str(manifest.backbone) == "backbone/1"
    backbone = read_manifest(backbones, manifest.backbone)
    assert (manifest.front_end, manifest.window) == (backbone.front_end, backbone.window)
    embeddings = small_network.windows(5, (network_imports.WIDTH,))
    outputs = compute_outputs(load_imported(backbones, manifest).network, embeddings)
    np.testing.assert_allclose(outputs, network_imports.head_scores(embeddings, 4), atol=1e-6)
    verify(backbones, manifest)
    remove(backbones, manifest.ref)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("nowhere", "'nowhere' is not published in"),
        ("backbone/7", "'backbone/7' is not"),
        ("small", "--on: small/1 has no embedding; a network imported with --embedding"),
        ("tiny", "--on: tiny/1 has no embedding"),
    ],
)
def test_a_head_without_a_backbone_is_refused(
    on: str, words: str, backbones: Store, tmp_path: Path
):
    with pytest.raises(TaggramError) as refused:
        network_imports.import_head(backbones, tmp_path, "head", on=on)

    assert words in str(refused.value)


def test_a_head_of_another_embedding_is_refused_with_both_shapes(backbones: Store, tmp_path: Path):
    file = small_network.save_openvino(tmp_path / "wide.xml", network_imports.head_network(1280))

    message = refusal(backbones, tmp_path, file, front_end=None, on="backbone")

    assert "the network takes [?, 1,280]" in message
    assert "windows of [12]" in message


def test_a_head_has_no_front_end_and_no_head(backbones: Store, tmp_path: Path):
    message = refusal(backbones, tmp_path, on="backbone")
    assert message.startswith("--front-end and --on exclude each other")

    with_embedding = {"embedding": "embeddings_of_head"}
    taken = ops.parameter([-1, network_imports.WIDTH], np.float32, name="embeddings")
    inner = ops.tanh(taken)
    inner.output(0).get_tensor().set_names({"embeddings_of_head"})
    kernel = network_imports.tag_kernel(network_imports.WIDTH, 3)
    scores = ops.sigmoid(ops.matmul(inner, kernel, False, False))
    file = small_network.save_openvino(
        tmp_path / "deep.xml", openvino.Model([scores], [taken], "deep")
    )
    changes = {"name": "deep", "front_end": None, "on": "backbone", **with_embedding}
    deep = import_network(backbones, source(tmp_path, file, **changes))

    with pytest.raises(SetupError, match=r"--on: deep/1 is itself a head, on backbone/1"):
        network_imports.import_head(backbones, tmp_path, "head", on="deep")
    remove(backbones, deep.ref)


def test_an_altered_golden_output_of_a_head_is_refused(backbones: Store, tmp_path: Path):
    manifest = network_imports.import_head(backbones, tmp_path, "head")
    scores = manifest.golden.mean_scores
    golden = manifest.golden.model_copy(update={"mean_scores": (scores[0] * 0.9, *scores[1:])})

    with pytest.raises(WeightsError, match="the golden input's scores differ by"):
        verify(backbones, manifest.model_copy(update={"golden": golden}))
    remove(backbones, manifest.ref)


def test_a_backbone_that_heads_need_is_not_removed(backbones: Store, tmp_path: Path):
    head = network_imports.import_head(backbones, tmp_path, "head")

    with pytest.raises(SetupError, match=f"backbone/1 is the backbone of {head.ref}; remove these"):
        remove(backbones, ModelRef("backbone", "1"))
    remove(backbones, head.ref)
