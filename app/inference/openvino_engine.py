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
from app.domain import Backend, Precision, Scores, Windows
from app.inference.engine import Engine, windows_of
from app.inference.features import FeatureExtractor
from app.store.registry.loading import TrackModel

AUDIO_PER_CORE_S = 24.0
"""Larger batches are no faster on a CPU, and everybody behind one waits longer."""

TYPES = {Precision.BF16: openvino.Type.bf16, Precision.FLOAT32: openvino.Type.f32}


class OpenVINOEngine(Engine):
    """See `app.inference.engine.Engine`. All cores work on one batch: one call at a time."""

    backend = Backend.OPENVINO

    def __init__(
        self, model: TrackModel, precision: Precision, extractor: FeatureExtractor
    ) -> None:
        """Convert and compile the network for batches of any size."""
        manifest, cores = model.manifest, usable_cpus()
        batch_windows = windows_of(AUDIO_PER_CORE_S * cores, manifest.window_spec)
        super().__init__(manifest.ref, precision, batch_windows, manifest.window_spec, extractor)
        wanted = {
            hints.inference_precision: TYPES[precision],
            hints.performance_mode: hints.PerformanceMode.LATENCY,
        }
        if cores < len(os.sched_getaffinity(0)):  # else a container's quota would stall its threads
            wanted[options.inference_num_threads] = cores
        compiled = openvino.compile_model(convert(model.network), "CPU", wanted)
        self._request = compiled.create_infer_request()
        self.warm_up()

    def score(self, windows: Windows) -> Scores:
        """See `app.inference.engine.Engine`."""
        scores: Scores = self._request.infer({0: windows}, share_inputs=True)[0].copy()
        return scores


def computes_bf16() -> bool:
    """Whether this CPU has instructions for bf16; without them it would only be slower."""
    try:
        return "BF16" in openvino.Core().get_property("CPU", options.device.capabilities)
    except RuntimeError:  # OpenVINO is broken; an engine that is built says how
        return False


def convert(network: keras.Model) -> openvino.Model:
    """Convert a network, for batches of any size, with its weights as constants.

    By a file, which OpenVINO reads itself: `openvino.convert_model` takes a network from memory,
    but fails on Python 3.13.
    """
    graph = _frozen(network)
    front_end = FrontEndManager().load_by_framework("tf")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.pb")
        file.write_bytes(graph.as_graph_def().SerializeToString())
        read = front_end.load(file)
        # Else what nothing depends on counts as an output too.
        read.override_all_outputs([read.get_place_by_tensor_name(graph.outputs[0].name)])
        # Constants of layers that are no variables.
        for constant, placeholder in graph.captures:
            place = read.get_place_by_tensor_name(placeholder.name)
            read.set_tensor_value(place, constant.numpy())
        return front_end.convert(read)


def _frozen(network: keras.Model) -> tf.Graph:
    """The graph of a network in which constants stand in the place of its variables."""
    learnt = [variable.numpy() for variable in network.trainable_variables]
    kept = [variable.numpy() for variable in network.non_trainable_variables]

    def score(windows: tf.Tensor) -> tf.Tensor:
        constants = (list(map(tf.constant, learnt)), list(map(tf.constant, kept)))
        return network.stateless_call(*constants, windows, training=False)[0]

    spec = tf.TensorSpec(network.input_shape, tf.float32)
    traced = tf.function(score, input_signature=[spec], autograph=False)
    return traced.get_concrete_function().graph
