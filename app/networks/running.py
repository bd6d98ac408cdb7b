"""Reads and runs networks in the canonical form of `app.networks`."""

import tempfile
from pathlib import Path

import numpy as np
import openvino

from app.domain import Outputs, Windows
from app.errors import WeightsError
from app.networks.core import core
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
        return core().read_model(files.graph, files.weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"{where}: OpenVINO can't read the network: {reason}") from error


def to_files(network: openvino.Model) -> NetworkFiles:
    """Return the files of a network."""
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder, GRAPH), Path(folder, WEIGHTS)
        openvino.serialize(network, graph, weights)
        return NetworkFiles(graph.read_bytes(), weights.read_bytes())


def infer(network: openvino.CompiledModel, windows: Windows, parts: int = 1) -> Outputs:
    """Run a network on parts of the windows, at the same time if it has as many streams.

    A network with a fixed batch size runs on batches of that size instead; the last one is padded
    with zeros, and its outputs are cut.

    Args:
        network: The compiled network.
        windows: (windows, *window) float32.
        parts: The largest number of parts.

    Returns:
        (windows, outputs) float32.
    """
    pieces = _split(windows, network.input(0).partial_shape[0], parts)
    requests = [network.create_infer_request() for _ in pieces]
    for request, piece in zip(requests, pieces, strict=True):
        request.start_async({0: piece}, share_inputs=True)
    for request in requests:
        request.wait()
    outputs: Outputs = np.concatenate([request.get_output_tensor(0).data for request in requests])
    return outputs[: len(windows)]


def _split(windows: Windows, batch: openvino.Dimension, parts: int) -> list[Windows]:
    if batch.is_dynamic:
        return np.array_split(windows, min(parts, len(windows)))
    size = batch.get_length()
    padded = np.pad(windows, ((0, -len(windows) % size), *[(0, 0)] * (windows.ndim - 1)))
    return np.split(padded, len(padded) // size)
