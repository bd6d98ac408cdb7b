"""The published TensorFlow 1 graphs of musicnn, run or frozen from the wheel."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

INPUT, OUTPUT, IS_TRAINING = "model/Placeholder", "model/Sigmoid", "model/Placeholder_2"
"""Names of operations."""

_ENDINGS = (".meta", ".index", ".data-00000-of-00001")


@contextmanager
def published_graph(checkpoint: str, wheel: Path, folder: Path) -> Iterator[tf.compat.v1.Session]:
    """A session with the graph and its weights, in a TensorFlow 1 world of its own."""
    prefix = folder / "model"  # in the wheel it is empty, which TensorFlow refuses
    with zipfile.ZipFile(wheel) as archive:
        for ending in _ENDINGS:
            prefix.with_suffix(ending).write_bytes(archive.read(f"musicnn/{checkpoint}/{ending}"))
    meta_graph = tf.compat.v1.MetaGraphDef()
    meta_graph.ParseFromString(prefix.with_suffix(".meta").read_bytes())
    for node in meta_graph.graph_def.node:
        # Written by an older TensorFlow; today's does not accept its shapes for every node.
        node.attr.pop("_output_shapes", None)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.compat.v1.train.import_meta_graph(meta_graph).restore(session, str(prefix))
        yield session


def frozen_graph(
    checkpoint: str, wheel: Path, folder: Path, *, for_inference: bool = True
) -> tf.compat.v1.GraphDef:
    """Return the graph with constants in place of its variables.

    Args:
        checkpoint: The folder of the checkpoint in the wheel.
        wheel: The wheel.
        folder: An empty folder.
        for_inference: Whether its input "is training" is the constant False too.
    """
    with published_graph(checkpoint, wheel, folder) as session:
        graph = tf.compat.v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), [OUTPUT]
        )
    for node in graph.node:
        if for_inference and node.name == IS_TRAINING:
            node.op = "Const"
            node.ClearField("attr")
            node.attr["dtype"].type = tf.bool.as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values=False))
    return graph
