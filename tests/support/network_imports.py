"""Imports of small networks into a store, converted in this process, which is quick."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.errors import SetupError, TaggramError
from app.networks.convert import convert_file
from app.networks.ir import GRAPH, WEIGHTS, NetworkFiles
from app.networks.request import NetworkReport, NetworkRequest
from app.store.importers.networks.importing import NetworkSource, import_network
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store
from tests.support import small_network

FRONT_END = """
[front_end]
sample_rate = 2000
[front_end.spectrum]
n_fft = [64]
hop = 32
bands = { n_mels = 8, f_min = 0.0, f_max = 1000.0 }
log = { gain = 100.0 }

[window]
frames = 16
hop_frames = 16
"""
"""Makes windows of `small_network.WINDOW`."""

LABELS = ("one", "two", "three")
WIDTH = 12
"""The width of the backbone's embedding."""


def _convert(request: NetworkRequest) -> tuple[NetworkFiles, NetworkReport]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = convert_file(request, Path(folder))
        except SetupError as error:
            raise SetupError(f"{request.file}: {error}") from error
        return NetworkFiles(*(Path(folder, name).read_bytes() for name in (GRAPH, WEIGHTS))), report


@contextmanager
def converting_here() -> Iterator[None]:
    """Convert in this process; tests/networks test the process of its own."""
    with patch("app.store.importers.networks.importing.convert", _convert):
        yield


def source(folder: Path, file: Path | None = None, **changes: object) -> NetworkSource:
    """Return the small network in OpenVINO IR, its labels and its front end, written in a folder.

    Args:
        folder: The folder.
        file: Another network in its place.
        **changes: Fields of the source; those that are None are left out.
    """
    tags, front_end = folder / "tags.txt", folder / "front_end.toml"
    if not tags.exists():
        tags.write_text("\n".join(LABELS))
        front_end.write_text(FRONT_END)
    values = {
        "file": file or small_network.save_openvino(folder / "network.xml"),
        "name": "small",
        "licence": "CC0-1.0",
        "commercial_use": True,
        "tags": tags,
        "front_end": str(front_end),
    }
    return NetworkSource(**{**values, **changes})


def backbone_network(width: int = WIDTH) -> openvino.Model:
    """Build a network with scores of three tags and a wide embedding."""
    random = np.random.RandomState(8)
    taken = ops.parameter([-1, *small_network.WINDOW], np.float32, name="mels")
    rows = ops.reshape(taken, np.array([-1, 128]), special_zero=False)
    kernel = (0.2 * random.standard_normal((128, width))).astype(np.float32)
    embedding = ops.tanh(ops.matmul(rows, kernel, False, False))
    embedding.output(0).get_tensor().set_names({small_network.EMBEDDINGS})
    scores = ops.sigmoid(ops.matmul(embedding, tag_kernel(width, 3), False, False))
    return openvino.Model([scores], [taken], "backbone")


def tag_kernel(width: int, tags: int) -> np.ndarray:
    """Return the weights (width, tags) of a head."""
    random = np.random.RandomState(tags)
    return (random.standard_normal((width, tags)) / np.sqrt(width)).astype(np.float32)


def head_network(width: int = WIDTH, tags: int = 3) -> openvino.Model:
    """Build a head: embeddings to scores."""
    taken = ops.parameter([-1, width], np.float32, name="embeddings")
    scores = ops.sigmoid(ops.matmul(taken, tag_kernel(width, tags), False, False))
    return openvino.Model([scores], [taken], "head")


def head_scores(embeddings: np.ndarray, tags: int = 3) -> np.ndarray:
    """Compute a head's scores."""
    return 1 / (1 + np.exp(-embeddings @ tag_kernel(embeddings.shape[1], tags)))


def import_backbone(store: Store, folder: Path, width: int = WIDTH, **changes: object) -> Manifest:
    """Publish the backbone, `backbone/1`."""
    file = small_network.save_openvino(folder / f"backbone{width}.xml", backbone_network(width))
    values = {"name": "backbone", "embedding": small_network.EMBEDDINGS}
    return import_network(store, source(folder, file, **{**values, **changes}))


def import_head(
    store: Store, folder: Path, name: str, labels: Sequence[str] = LABELS, **changes: object
) -> Manifest:
    """Publish a head on the backbone."""
    network = head_network(tags=len(labels))
    file = small_network.save_openvino(folder / f"{name}.xml", network)
    tags = folder / f"{name}.txt"
    tags.write_text("\n".join(labels))
    values = {"name": name, "tags": tags, "front_end": None, "on": "backbone"}
    return import_network(store, source(folder, file, **{**values, **changes}))


def refusal(store: Store, folder: Path, file: Path | None = None, **changes: object) -> str:
    """The message of an import that is refused and leaves the store as it was."""
    before = store.refs()
    with pytest.raises(TaggramError) as refused:
        import_network(store, source(folder, file, **changes))
    assert store.refs() == before
    return str(refused.value)
