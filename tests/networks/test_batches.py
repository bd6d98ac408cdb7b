"""A network must give each window a row of outputs of its own, in batches of any size it states."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.errors import SetupError
from app.networks.batches import check_batches
from tests.support import small_network


def network(kind: str) -> openvino.Model:
    """Build a network whose outputs are not those of single windows."""
    taken = ops.parameter([-1, *small_network.WINDOW], np.float32, name="mels")
    if kind == "one row":
        means = ops.reduce_mean(taken, np.array([0, 1]))
        scores = ops.reshape(
            ops.sigmoid(means), np.array([1, small_network.BANDS]), special_zero=False
        )
    elif kind == "normalised":
        mean = ops.reduce_mean(taken, np.array([0]), keep_dims=True)
        scores = ops.sigmoid(ops.reduce_mean(ops.subtract(taken, mean), np.array([1])))
    else:
        rows = ops.reshape(taken, np.array([1, 128]), special_zero=False)
        kernel = np.full((128, small_network.BANDS), 0.01, np.float32)
        scores = ops.sigmoid(ops.matmul(rows, kernel, False, False))
    return openvino.Model([scores], [taken], "batches")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("one row", "the network has 1 rows of outputs for 3 windows; expected one row a window"),
        ("normalised", "the outputs for a window change with the other windows of its batch"),
    ],
)
def test_a_network_without_outputs_for_each_window_is_refused(kind: str, reason: str):
    with pytest.raises(SetupError, match=reason):
        check_batches(*small_network.canonical(network(kind), labels=small_network.BANDS))


def test_a_network_of_single_windows_that_states_any_batch_is_refused():
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        reason = alone.submit(refusal, "single").result()

    assert "can't compute a batch of 3 windows" in reason or "has 1 rows of outputs" in reason


def refusal(kind: str) -> str:
    """Return why a network is refused.

    On one CPU OpenVINO does not notice that the batch does not fit, and can crash later. An import
    checks batches in a process of its own.
    """
    with pytest.raises(SetupError) as refused:
        check_batches(*small_network.canonical(network(kind), labels=small_network.BANDS))
    return str(refused.value)


@pytest.mark.parametrize("batch", [-1, 1, 7])
def test_a_network_with_outputs_for_each_window_passes(batch: int):
    network = small_network.openvino_network((batch, *small_network.WINDOW))

    check_batches(*small_network.canonical(network, embedding=small_network.EMBEDDINGS))
