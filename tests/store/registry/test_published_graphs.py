"""Our networks against the published graphs themselves, run from the wheel."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from app.store.manifest.manifest import read_store
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store
from tests.support.published import MODELS

ENDINGS = (".meta", ".index", ".data-00000-of-00001")


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, store: Path) -> TrackModel:
    return load(Store(store), read_store(Store(store))[request.param])


@contextmanager
def published_graph(checkpoint: str, wheel: Path, folder: Path) -> Iterator[tf.compat.v1.Session]:
    """A session with the graph and its weights, in a TensorFlow 1 world of its own."""
    prefix = folder / "model"  # in the wheel it is empty, which TensorFlow refuses
    with zipfile.ZipFile(wheel) as archive:
        for ending in ENDINGS:
            prefix.with_suffix(ending).write_bytes(archive.read(f"musicnn/{checkpoint}/{ending}"))
    meta_graph = tf.compat.v1.MetaGraphDef()
    meta_graph.ParseFromString(prefix.with_suffix(".meta").read_bytes())
    for node in meta_graph.graph_def.node:
        # Written by an older TensorFlow; today's does not accept its shapes for every node.
        node.attr.pop("_output_shapes", None)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.compat.v1.train.import_meta_graph(meta_graph).restore(session, str(prefix))
        yield session


def published_pools(graph: tf.Graph) -> list[list[int]]:
    """For each pooling of the published graph, in order: size and stride over (frames, mels)."""
    pools = [node for node in graph.as_graph_def().node if node.op == "MaxPool"]
    return [[*pool.attr["ksize"].list.i[1:3], *pool.attr["strides"].list.i[1:3]] for pool in pools]


def test_a_network_scores_log_melgrams_like_the_published_graph(
    model: TrackModel, wheel: Path, tmp_path: Path
):
    # Log-melgrams of music are between 0 and 5; some patches here are quieter than others.
    random = np.random.RandomState(11)
    patches = random.uniform(0, 4, (4, 187, 96)) * np.array([0.1, 0.5, 1, 1.2])[:, None, None]
    with published_graph(model.manifest.source.wheel_checkpoint, wheel, tmp_path) as session:
        expected = session.run(
            "model/Sigmoid:0",
            {"model/Placeholder:0": patches, "model/Placeholder_2:0": False},
        )

    scores = model.network(patches.astype(np.float32))

    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(scores, expected, rtol=0, atol=5e-5)


def test_the_two_published_vgg_graphs_use_different_poolings_and_ours_follow_each(
    store: Path, wheel: Path, tmp_path: Path
):
    theirs, ours = {}, {}
    for name in ("msd-vgg", "mtt-vgg"):
        manifest = read_store(Store(store))[name]
        with published_graph(manifest.source.wheel_checkpoint, wheel, tmp_path) as session:
            theirs[name] = published_pools(session.graph)
        ours[name] = manifest.architecture.arguments["pools"]

    assert theirs["msd-vgg"] != theirs["mtt-vgg"]
    assert ours == theirs
