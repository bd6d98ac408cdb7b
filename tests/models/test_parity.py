from pathlib import Path

import keras
import numpy as np
import pytest

from tests.models.conftest import TOLERANCE, Published, Unfolded
from tests.support.published import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_waveform_scores_as_in_the_published_graph(name: str, published: Published, golden: Path):
    model = published(name)
    with np.load(golden / "musicnn_audio_golden.npz") as expected:
        given = model.graph(expected["waveform"][np.newaxis])["windows"]
        scores = expected[f"sigmoid_{model.manifest.source.wheel_checkpoint}"]

    # musicnn drops the rest behind whole windows, which has another window here.
    assert len(given) == len(scores) + 1
    np.testing.assert_allclose(given[: len(scores)], scores, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "file"),
    [("msd-musicnn", "MSD_musicnn_golden.npz"), ("mtt-vgg", "MTT_vgg_golden.npz")],
)
def test_a_melgram_scores_as_in_the_published_graph(
    name: str, file: str, published: Published, golden: Path
):
    with np.load(golden / file) as expected:
        scores = published(name).network(expected["x"])

        np.testing.assert_allclose(scores, expected["sigmoid"], rtol=0, atol=TOLERANCE)


def test_musicnn_agrees_with_the_published_graph_at_every_step(unfolded: Unfolded, golden: Path):
    musicnn = unfolded("msd-musicnn")
    steps = keras.Model(
        musicnn.input,
        [musicnn.get_layer(name).output for name in ("front", "dense_mid", "pooled")],
    )
    with np.load(golden / "MSD_musicnn_golden.npz") as expected:
        front, dense_mid, pooled = steps(expected["x"])

        # Not squashed by a sigmoid yet, so relative to how large the values are there.
        for ours, theirs in (
            (front, expected["model_concat"]),
            (dense_mid, expected["model_concat_1"][..., 0]),
            (pooled, expected["model_concat_2"].reshape(len(pooled), -1)),
        ):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE * np.max(theirs))


@pytest.mark.parametrize("name", MODELS)
def test_a_network_has_exactly_the_published_parameters(name: str, unfolded: Unfolded):
    expected = {"musicnn": 787_159, "vgg": 605_748}[name.partition("-")[2]]

    variables = unfolded(name).trainable_variables

    assert sum(int(np.prod(variable.shape)) for variable in variables) == expected
