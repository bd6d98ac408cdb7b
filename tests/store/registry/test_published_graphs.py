"""Our networks against the published graphs themselves, run from the wheel."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from app.store.manifest.manifest import read_store
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store
from tests.support.published import MODELS
from tests.support.published_graphs import published_graph


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, store: Path) -> TrackModel:
    return load(Store(store), read_store(Store(store))[request.param])


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
