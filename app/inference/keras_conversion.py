"""Converts Keras networks to OpenVINO."""

import tempfile
from pathlib import Path

import keras
import openvino
import tensorflow as tf
from openvino.frontend import FrontEndManager


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
