"""Windows fit into the inputs of networks with other axes, orders, types and batch sizes."""

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.errors import SetupError
from tests.support import small_network

FRAMES, BANDS = small_network.WINDOW

SHAPES = {
    "any batch": ((-1, FRAMES, BANDS), None),
    "no batch": ((FRAMES, BANDS), 1),
    "one window": ((1, FRAMES, BANDS), 1),
    "seven windows": ((7, FRAMES, BANDS), 7),
    "channels first": ((-1, 1, FRAMES, BANDS), None),
    "channels last": ((-1, FRAMES, BANDS, 1), None),
    "channels on both sides": ((3, 1, FRAMES, BANDS, 1), 3),
    "flat": ((-1, FRAMES * BANDS), None),
    "any number of frames": ((-1, -1, BANDS), None),
    "any lengths": ((-1, -1, -1), None),
    "bands first": ((-1, BANDS, FRAMES), None),
    "bands first, with channels": ((4, 1, BANDS, FRAMES), 4),
    "bands first, any number of frames": ((-1, BANDS, -1), None),
}


@pytest.mark.parametrize(
    "count", [10, *(pytest.param(count, marks=pytest.mark.thorough) for count in (1, 7))]
)
@pytest.mark.parametrize("name", sorted({*SHAPES} - {"flat"}))
def test_any_number_of_windows_has_the_networks_outputs(name: str, count: int):
    shape, batch = SHAPES[name]
    network = small_network.openvino_network(shape, transposed=name.startswith("bands first"))

    network, report = small_network.canonical(network, embedding=small_network.EMBEDDINGS)

    assert (report.batch, report.window) == (batch, small_network.WINDOW)
    windows = small_network.windows(count)
    outputs = small_network.run(network, windows)
    np.testing.assert_allclose(outputs, small_network.both(windows), atol=1e-6)


def test_a_window_of_samples_is_as_long_as_the_networks_input():
    for shape in ((-1, 128), (128,), (1, 1, 128)):
        network, report = small_network.canonical(
            small_network.openvino_network(shape), window=None
        )

        assert report.window == (128,)
        windows = small_network.windows(3, (128,))
        np.testing.assert_allclose(
            small_network.run(network, windows), small_network.scores(windows), atol=1e-6
        )


@pytest.mark.parametrize("shape", [(-1, -1), (-1, FRAMES, BANDS), (-1, 2, 64)])
def test_an_input_that_says_no_length_of_a_waveform_is_refused(shape: tuple[int, ...]):
    with pytest.raises(SetupError, match=r"says no length of a waveform; write a front end"):
        small_network.canonical(small_network.openvino_network(shape), window=None)


@pytest.mark.parametrize("element_type", [openvino.Type.f16, openvino.Type.f64])
def test_windows_are_converted_to_the_type_of_the_input(element_type: openvino.Type):
    network, _ = small_network.canonical(small_network.openvino_network(element_type=element_type))

    windows = small_network.windows()
    assert network.input(0).element_type == openvino.Type.f32
    np.testing.assert_allclose(
        small_network.run(network, windows), small_network.scores(windows), atol=2e-3
    )


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((-1, 128, 96), "[?, 128, 96]"),
        ((-1, FRAMES, BANDS, 3), "[?, 16, 8, 3]"),
        ((64, FRAMES, BANDS + 1), "[64, 16, 9]"),
        ((-1, 15_600), "[?, 15,600]"),
        ((-1, -1, -1, -1), "[?, ?, ?, ?]"),
        ((FRAMES,), "[16]"),
    ],
)
def test_windows_that_do_not_fit_are_refused_with_both_shapes(shape: tuple[int, ...], shown: str):
    with pytest.raises(SetupError) as refused:
        small_network.canonical(_summed(shape))

    assert f"the network takes {shown}" in str(refused.value)
    assert "windows of [16, 8]" in str(refused.value)


def _summed(shape: tuple[int, ...]) -> openvino.Model:
    """A network that takes inputs of any shape, and has three equal scores."""
    taken = ops.parameter(list(shape), np.float32, name="mels")
    total = ops.reduce_mean(taken, np.arange(len(shape)))
    scores = ops.broadcast(total, np.array([1, small_network.TAGS]))
    return openvino.Model([scores], [taken], "summed")


def test_a_network_that_does_not_state_its_number_of_axes_is_refused():
    taken = ops.parameter(openvino.PartialShape.dynamic(), np.float32, name="mels")
    network = openvino.Model([ops.sigmoid(taken)], [taken], "anything")

    with pytest.raises(SetupError, match="does not state the number of axes"):
        small_network.canonical(network)


@pytest.mark.parametrize("labels", [2, 4])
def test_labels_must_be_as_many_as_the_outputs(labels: int):
    with pytest.raises(SetupError, match=f"the network has 3 outputs, but there are {labels} labe"):
        small_network.canonical(small_network.openvino_network(), labels=labels)


def test_logits_become_scores_with_an_activation():
    windows = small_network.windows()
    logits = np.log(1 / small_network.scores(windows) - 1) * -1
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    for activation, expected in (("sigmoid", small_network.scores(windows)), ("softmax", softmax)):
        network = small_network.openvino_network(logits=True)
        network, _ = small_network.canonical(network, activation=activation)
        np.testing.assert_allclose(small_network.run(network, windows), expected, atol=1e-5)


def test_scores_with_axes_of_one_are_rows():
    taken = ops.parameter([-1, *small_network.WINDOW], np.float32, name="mels")
    rows = ops.reduce_mean(taken, np.array([1, 2]))
    scores = ops.reshape(ops.sigmoid(rows), np.array([-1, 1, 1, 1]), special_zero=False)
    scores = ops.concat([scores, scores], 3)

    network, _ = small_network.canonical(openvino.Model([scores], [taken], "mean"), labels=2)

    windows = small_network.windows()
    expected = 1 / (1 + np.exp(-windows.mean(axis=(1, 2))))
    np.testing.assert_allclose(small_network.run(network, windows)[:, 1], expected, atol=1e-6)


def test_one_row_of_scores_for_each_frame_is_refused():
    taken = ops.parameter([-1, *small_network.WINDOW], np.float32, name="mels")
    network = openvino.Model([ops.sigmoid(taken)], [taken], "frames")

    with pytest.raises(SetupError, match=r"has the shape \[\?, 16, 8\]; expected one row"):
        small_network.canonical(network, labels=BANDS)
