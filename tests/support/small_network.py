"""A small tagger in each format: 128 numbers a window, an embedding of 6, scores of 3 tags."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import openvino
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper
from openvino import opset13 as ops

from app.domain import Outputs, Windows
from app.networks.canonical import to_canonical
from app.networks.core import core
from app.networks.request import NetworkReport, NetworkRequest
from app.networks.running import infer

FRAMES, BANDS = 16, 8
WINDOW = (FRAMES, BANDS)
EMBEDDING, TAGS = 6, 3
INPUT, EMBEDDINGS, SCORES = "mels", "embeddings", "scores"
"""Names of tensors."""

_random = np.random.RandomState(3)
KERNEL = (0.1 * _random.standard_normal((FRAMES * BANDS, EMBEDDING))).astype(np.float32)
BIAS = _random.uniform(0.2, 1, EMBEDDING).astype(np.float32)
TAG_KERNEL = _random.standard_normal((EMBEDDING, TAGS)).astype(np.float32)
CONSTANTS = {"kernel": KERNEL, "bias": BIAS, "tag_kernel": TAG_KERNEL}


def windows(count: int = 5, shape: Sequence[int] = WINDOW) -> Windows:
    """Return random windows, (count, *shape)."""
    return np.random.RandomState(7).standard_normal((count, *shape)).astype(np.float32)


def embeddings(windows: Windows) -> Outputs:
    """Compute the embeddings of windows."""
    return np.maximum(windows.reshape(len(windows), -1) @ KERNEL + BIAS, 0)


def scores(windows: Windows) -> Outputs:
    """Compute the scores of windows."""
    return 1 / (1 + np.exp(-(embeddings(windows) @ TAG_KERNEL)))


def both(windows: Windows) -> Outputs:
    """Compute the output of the network in the canonical form: scores, and then the embedding."""
    return np.concatenate([scores(windows), embeddings(windows)], 1)


def request(file: str | Path = "network", **changes: object) -> NetworkRequest:
    """Return the request for a network of three labels on windows of `WINDOW`."""
    values = {"file": file, "window": WINDOW, "labels": TAGS}
    return NetworkRequest.model_validate({**values, **changes})


def run(network: openvino.Model, windows: Windows) -> Outputs:
    """Return the outputs of a network in the canonical form."""
    properties = {openvino.properties.hint.inference_precision: openvino.Type.f32}
    compiled = core().compile_model(network, "CPU", properties)
    return infer(compiled, windows)


def canonical(network: openvino.Model, **changes: object) -> tuple[openvino.Model, NetworkReport]:
    """Bring a network to the canonical form."""
    return to_canonical(network, request(**changes))


def openvino_network(
    shape: Sequence[int] = (-1, *WINDOW),
    *,
    transposed: bool = False,
    logits: bool = False,
    element_type: openvino.Type = openvino.Type.f32,
) -> openvino.Model:
    """Build the network with an input of some shape.

    Args:
        shape: Its input's; -1 where any length fits.
        transposed: Whether the input has bands before frames.
        logits: Whether it lacks the sigmoid.
        element_type: Of the input.
    """
    taken = ops.parameter(list(shape), element_type, name=INPUT)
    node = ops.convert(taken, np.float32)
    if transposed:
        node = ops.reshape(node, np.array([-1, BANDS, FRAMES]), special_zero=False)
        node = ops.transpose(node, np.array([0, 2, 1]))
    rows = ops.reshape(node, np.array([-1, FRAMES * BANDS]), special_zero=False)
    embedding = ops.relu(ops.add(ops.matmul(rows, KERNEL, False, False), BIAS))
    found = ops.matmul(embedding, TAG_KERNEL, False, False)
    found = found if logits else ops.sigmoid(found)
    taken.output(0).get_tensor().set_names({INPUT})
    embedding.output(0).get_tensor().set_names({EMBEDDINGS})
    found.output(0).get_tensor().set_names({SCORES})
    return openvino.Model([found], [taken], "small")


def save_openvino(path: Path, network: openvino.Model | None = None) -> Path:
    """Write the network as OpenVINO IR, `.xml` and `.bin`."""
    openvino.serialize(network or openvino_network(), path, path.with_suffix(".bin"))
    return path


def onnx_network() -> onnx.ModelProto:
    """Return the network in ONNX, with the embedding as a second output."""
    nodes = [
        helper.make_node("Flatten", [INPUT], ["rows"], axis=1),
        helper.make_node("MatMul", ["rows", "kernel"], ["projected"]),
        helper.make_node("Add", ["projected", "bias"], ["shifted"]),
        helper.make_node("Relu", ["shifted"], [EMBEDDINGS]),
        helper.make_node("MatMul", [EMBEDDINGS, "tag_kernel"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], [SCORES]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", *WINDOW])],
        [
            helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, ["batch", TAGS]),
            helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, ["batch", EMBEDDING]),
        ],
        [numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def save_onnx(path: Path) -> Path:
    """Write the network in ONNX."""
    onnx.save(onnx_network(), path)
    return path


def _tensorflow_scores(mels: tf.Tensor, kernel, bias, tag_kernel) -> tuple[tf.Tensor, tf.Tensor]:
    rows = tf.reshape(mels, [-1, FRAMES * BANDS])
    embedding = tf.nn.relu(tf.matmul(rows, kernel) + bias, name=EMBEDDINGS)
    return tf.sigmoid(tf.matmul(embedding, tag_kernel), name=SCORES), embedding


def save_frozen_graph(path: Path, *, with_saver: bool = False) -> Path:
    """Write the network as a frozen TensorFlow graph.

    Args:
        path: The file.
        with_saver: Whether nodes that save and restore variables are left in it.
    """
    with tf.Graph().as_default() as graph:
        mels = tf.compat.v1.placeholder(tf.float32, [None, *WINDOW], INPUT)
        _tensorflow_scores(mels, *map(tf.constant, CONSTANTS.values()))
        if with_saver:
            prefix = tf.compat.v1.placeholder(tf.string, [], "saver_filename")
            restored = tf.raw_ops.RestoreV2(
                prefix=prefix,
                tensor_names=["kernel"],
                shape_and_slices=[""],
                dtypes=[tf.float32],
            )
            tf.identity(prefix, "saved_to")
            tf.raw_ops.SaveV2(
                prefix=prefix,
                tensor_names=["kernel"],
                shape_and_slices=[""],
                tensors=restored,
            )
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


class _Tagger(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = [tf.Variable(array) for array in CONSTANTS.values()]

    @tf.function(input_signature=[tf.TensorSpec([None, *WINDOW], tf.float32, INPUT)])
    def serve(self, mels: tf.Tensor) -> dict[str, tf.Tensor]:
        found, embedding = _tensorflow_scores(mels, *self.parts)
        return {SCORES: found, EMBEDDINGS: embedding}


def save_saved_model(folder: Path) -> Path:
    """Write the network as a SavedModel, with variables."""
    tagger = _Tagger()
    tf.saved_model.save(tagger, str(folder), signatures={"serving_default": tagger.serve})
    return folder


def save_tflite(path: Path) -> Path:
    """Write the network in TFLite, with a batch of one."""
    tagger = _Tagger()
    concrete = tagger.serve.get_concrete_function(tf.TensorSpec([1, *WINDOW], tf.float32, INPUT))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tagger)
    path.write_bytes(converter.convert())
    return path


SAVERS = {
    "network.onnx": save_onnx,
    "network.pb": save_frozen_graph,
    "saved": save_saved_model,
    "network.xml": save_openvino,
    "network.tflite": save_tflite,
}
"""By the name of the file: the function that writes it."""


def external_onnx(folder: Path, location: str) -> Path:
    """Write the network in ONNX with weights in `weights.bin`, which it names as `location`."""
    file = folder / "network.onnx"
    network = onnx_network()
    onnx.save(
        network,
        file,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    network = onnx.load(file, load_external_data=False)
    for tensor in network.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    file.write_bytes(network.SerializeToString())
    return file
