"""Loads networks of other projects from the store, and computes their golden outputs."""

from dataclasses import dataclass

import numpy as np
import openvino

from app.domain import Outputs, Samples, Windows
from app.networks.core import core
from app.networks.ir import unpack_network
from app.networks.running import infer, read_network
from app.store.manifest.manifest import Manifest, ModelSpec
from app.store.registry.golden import golden_embeddings, golden_waveform
from app.store.registry.weights import read_file
from app.store.storage.store import Store

_SHAPES = (openvino.Type.i32, openvino.Type.i64)
"""Types of shapes and axes; weights have others."""


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """A network of another project.

    Attributes:
        manifest: Its manifest.
        network: Windows (batch, *window), or embeddings for a head, to outputs (batch, outputs).
    """

    manifest: Manifest
    network: openvino.Model


def load_imported(store: Store, manifest: Manifest) -> ImportedModel:
    """Load a network.

    Raises:
        WeightsError: It is missing, altered, or can't be read.
        SetupError: The store can't be read.
    """
    return unpack_imported(manifest, read_file(store, manifest))


def unpack_imported(manifest: Manifest, data: bytes) -> ImportedModel:
    """Load a network from the content of its file.

    Raises:
        WeightsError: It can't be read.
    """
    title = str(manifest.ref)
    return ImportedModel(manifest, read_network(unpack_network(data, title), title))


def read_constants(model: ImportedModel) -> dict[str, np.ndarray]:
    """Return the constants of a network by the names of their operations, without shapes."""
    return {
        node.get_friendly_name(): node.data
        for node in model.network.get_ordered_ops()
        if node.get_type_name() == "Constant" and node.get_element_type() not in _SHAPES
    }


def golden_outputs(model: ImportedModel) -> Outputs:
    """Return the mean outputs for a network's golden input, (outputs,), over whole windows."""
    golden = model.manifest.golden
    if model.manifest.backbone:
        width = model.network.input(0).partial_shape[1].get_length()
        windows = golden_embeddings(golden, width)
    else:
        waveform = golden_waveform(golden, model.manifest.front_end)
        whole = model.manifest.window_spec.whole_windows(len(waveform))
        windows = cut_windows(model.manifest, waveform)[:whole]
    mean: Outputs = compute_outputs(model.network, windows).mean(axis=0)
    return mean


def cut_windows(spec: ModelSpec, waveform: Samples) -> Windows:
    """Return the windows of a waveform, (windows, *window); a short one is filled up."""
    from app.models.front_end import track_frames

    window_spec = spec.window_spec
    samples = window_spec.fill(waveform)
    frames = np.asarray(track_frames(window_spec.front)(samples[np.newaxis]))[0]
    views = np.lib.stride_tricks.sliding_window_view(frames, window_spec.window_frames, axis=0)
    return np.moveaxis(views[window_spec.starts(len(samples))], -1, 1)


def compute_outputs(network: openvino.Model, windows: Windows) -> Outputs:
    """Run a network in float32.

    Args:
        network: In the canonical form of `app.networks`.
        windows: Its input, (windows, *window).

    Returns:
        (windows, outputs) float32.
    """
    precision = {openvino.properties.hint.inference_precision: openvino.Type.f32}
    compiled = core().compile_model(network, "CPU", precision)
    return infer(compiled, windows)
