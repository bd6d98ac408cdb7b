"""Reads and runs networks in the canonical form of `app.networks`."""

import tempfile
from pathlib import Path

import numpy as np
import openvino

from app.domain import Outputs, Windows
from app.errors import WeightsError
from app.networks.ir import GRAPH, WEIGHTS, NetworkFiles


def read_network(files: NetworkFiles, where: str) -> openvino.Model:
    """Read a network.

    Args:
        files: Its files.
        where: The network, as messages name it.

    Raises:
        WeightsError: OpenVINO can't read it.
    """
    try:
        return openvino.Core().read_model(files.graph, files.weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"{where}: OpenVINO can't read the network: {reason}") from error


def to_files(network: openvino.Model) -> NetworkFiles:
    """Return the files of a network."""
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder, GRAPH), Path(folder, WEIGHTS)
        openvino.serialize(network, graph, weights)
        return NetworkFiles(graph.read_bytes(), weights.read_bytes())


def fixed_batch(network: openvino.Model) -> int | None:
    """Return the only batch size that a network takes, or None if it takes any."""
    dimension = network.input(0).partial_shape[0]
    return None if dimension.is_dynamic else dimension.get_length()


def infer(request: openvino.InferRequest, windows: Windows, batch: int | None) -> Outputs:
    """Run a network; for a fixed batch, the last one is padded with zeros and its output cut.

    Args:
        request: The compiled network.
        windows: (windows, *window) float32.
        batch: Its `fixed_batch`.

    Returns:
        (windows, outputs) float32.
    """
    if batch is None:
        return _infer(request, windows)
    padding = -len(windows) % batch
    padded = np.pad(windows, ((0, padding), *[(0, 0)] * (windows.ndim - 1)))
    outputs = [_infer(request, padded[at : at + batch]) for at in range(0, len(padded), batch)]
    return np.concatenate(outputs)[: len(windows)]


def _infer(request: openvino.InferRequest, windows: Windows) -> Outputs:
    outputs: Outputs = request.infer({0: windows}, share_inputs=True)[0].copy()
    return outputs
