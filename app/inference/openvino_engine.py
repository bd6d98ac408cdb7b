"""Runs a network in OpenVINO, which computes convolutions on a CPU faster than TensorFlow."""

import os
import tempfile
from pathlib import Path

import keras
import openvino
import openvino.properties as options
import openvino.properties.hint as hints
import tensorflow as tf
from openvino.frontend import FrontEndManager

from app.cpus import usable_cpus
from app.domain import Backend, Outputs, Precision, Windows
from app.inference.engine import Engine, windows_of
from app.inference.features import FeatureExtractor
from app.networks.running import fixed_batch, infer
from app.store.registry.imported import ImportedModel
from app.store.registry.loading import TrackModel

AUDIO_PER_CORE_S = 24.0
"""Larger batches are not faster on a CPU, and requests behind one wait longer."""

TYPES = {Precision.BF16: openvino.Type.bf16, Precision.FLOAT32: openvino.Type.f32}


class OpenVINOEngine(Engine):
    """See `app.inference.engine.Engine`. All cores work on one batch, so calls don't overlap."""

    backend = Backend.OPENVINO

    def __init__(
        self, model: TrackModel | ImportedModel, precision: Precision, extractor: FeatureExtractor
    ) -> None:
        """Compile the network, for batches of any size if it allows that."""
        manifest, cores = model.manifest, usable_cpus()
        batch_windows = windows_of(AUDIO_PER_CORE_S * cores, manifest.window_spec)
        super().__init__(manifest.ref, precision, batch_windows, manifest.window_spec, extractor)
        properties = {
            hints.inference_precision: TYPES[precision],
            hints.performance_mode: hints.PerformanceMode.LATENCY,
        }
        if cores < len(os.sched_getaffinity(0)):  # a container's quota would stall more threads
            properties[options.inference_num_threads] = cores
        is_imported = isinstance(model, ImportedModel)
        network = model.network if is_imported else convert(model.network)
        self._batch = fixed_batch(network)
        self.embedding = manifest.network.embedding if manifest.network else 0
        self.backbone = manifest.backbone
        if self.backbone:
            self.input_shape = (network.input(0).partial_shape[1].get_length(),)
        compiled = openvino.compile_model(network, "CPU", properties)
        self._request = compiled.create_infer_request()
        self.warm_up()

    def score(self, windows: Windows) -> Outputs:
        """See `app.inference.engine.Engine`.

        Args:
            windows: (windows, *input_shape) float32.

        Returns:
            (windows, tags + embedding) float32.
        """
        return infer(self._request, windows, self._batch)


def computes_bf16() -> bool:
    """Return whether this CPU has instructions for bf16; without them bf16 is slower."""
    try:
        return "BF16" in openvino.Core().get_property("CPU", options.device.capabilities)
    except RuntimeError:  # OpenVINO is broken; building an engine reports how
        return False


def convert(network: keras.Model) -> openvino.Model:
    """Convert a network, for batches of any size, with its weights as constants.

    OpenVINO reads the graph from a file: `openvino.convert_model`, which takes a network from
    memory, fails on Python 3.13.
    """
    graph = _frozen(network)
    front_end = FrontEndManager().load_by_framework("tf")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.pb")
        file.write_bytes(graph.as_graph_def().SerializeToString())
        model = front_end.load(file)
        # Otherwise every unused tensor counts as an output.
        model.override_all_outputs([model.get_place_by_tensor_name(graph.outputs[0].name)])
        # Constants of layers that are not variables.
        for constant, placeholder in graph.captures:
            place = model.get_place_by_tensor_name(placeholder.name)
            model.set_tensor_value(place, constant.numpy())
        return front_end.convert(model)


def _frozen(network: keras.Model) -> tf.Graph:
    """Return the graph of a network with constants in place of its variables."""
    trainable = [variable.numpy() for variable in network.trainable_variables]
    fixed = [variable.numpy() for variable in network.non_trainable_variables]

    def score(windows: tf.Tensor) -> tf.Tensor:
        """Score windows, (windows, *window) to (windows, tags)."""
        constants = (list(map(tf.constant, trainable)), list(map(tf.constant, fixed)))
        return network.stateless_call(*constants, windows, training=False)[0]

    spec = tf.TensorSpec(network.input_shape, tf.float32)
    traced = tf.function(score, input_signature=[spec], autograph=False)
    return traced.get_concrete_function().graph
