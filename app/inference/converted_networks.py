"""The converted networks of models: from the cache, or from Keras."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import openvino

from app.inference.conversion_cache import make_key, read_entry, write_entry
from app.networks.ir import GRAPH, WEIGHTS, NetworkFiles
from app.store.manifest.manifest import Manifest
from app.store.registry.imported import ImportedModel, unpack_imported

if TYPE_CHECKING:  # imports TensorFlow, which takes seconds
    from app.store.registry.loading import TrackModel


def network_key(manifest: Manifest) -> str:
    """Return the key of a model's folded and converted network.

    The precision is not part of it: OpenVINO rounds when it compiles the network.
    """
    return make_key(
        kind="network",
        weights=manifest.weights.sha256,
        architecture=manifest.architecture.model_dump(),
        tags=len(manifest.tags.names),
        windows=manifest.window_spec,
    )


def read_converted(manifest: Manifest) -> ImportedModel | None:
    """Return a model with its network from the cache; None if it is not there.

    Args:
        manifest: The manifest of the model, whose weights were compared with it.
    """
    content = read_entry(str(manifest.ref), network_key(manifest))
    return None if content is None else unpack_imported(manifest, content)


def convert_and_cache(model: "TrackModel") -> ImportedModel:
    """Convert the network of a model, and write it to the cache."""
    from app.inference.keras_conversion import convert

    network = convert(model.network)
    write_entry(str(model.manifest.ref), network_key(model.manifest), _pack(network))
    return ImportedModel(model.manifest, network)


def _pack(network: openvino.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder, GRAPH), Path(folder, WEIGHTS)
        openvino.serialize(network, graph, weights)
        return NetworkFiles(graph.read_bytes(), weights.read_bytes()).pack()
