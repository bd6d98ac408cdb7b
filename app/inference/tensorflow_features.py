"""Computes frames with kapre's layers on TensorFlow."""

import numpy as np
import tensorflow as tf

from app.domain import Frames, Samples
from app.front_ends import FrontEnd
from app.inference.features import cut_part
from app.models.front_end import part_frames, with_channels


class TensorFlowFeatureExtractor:
    """See `app.inference.features.FeatureExtractor`; one trace for pieces of any length."""

    def __init__(self, front: FrontEnd) -> None:
        """Build the graph and run it once, so that no request waits for the first run."""
        self.front = front
        self._frames = _traced(front)
        self.frames(np.zeros((front.sample_rate, *front.sample_shape), np.float32), 0, 1)

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        """See `app.inference.features.FeatureExtractor`.

        Args:
            track: (samples, *front.sample_shape) float32.
            first: Index of the first frame.
            last: Index behind the last frame.

        Returns:
            (frames, *front.shape) float32.
        """
        return np.asarray(self._frames(cut_part(self.front, track, first, last)))


def freeze(front: FrontEnd, source: str, target: str) -> bytes:
    """Return the graph of a front end, as a serialised GraphDef with its weights as constants.

    Args:
        front: The front end.
        source: The name of the input, a part of a track, (samples, *front.sample_shape).
        target: The name of the output, (frames, *front.shape).
    """
    traced = _traced(front).get_concrete_function().graph
    with tf.Graph().as_default() as graph:
        samples = tf.compat.v1.placeholder(tf.float32, (None, *front.sample_shape), source)
        constants = {inside.name: tf.constant(value.numpy()) for value, inside in traced.captures}
        (frames,) = tf.graph_util.import_graph_def(
            traced.as_graph_def(),
            {**constants, traced.inputs[0].name: samples},
            [traced.outputs[0].name],
        )
        tf.identity(frames, target)
        content: bytes = graph.as_graph_def().SerializeToString()
    return content


def _traced(front: FrontEnd) -> tf.types.experimental.PolymorphicFunction:
    """Return a function that computes the frames of a part of a track."""
    network = part_frames(front)
    return tf.function(
        lambda samples: network(with_channels(samples[tf.newaxis]), training=False)[0],
        input_signature=[tf.TensorSpec((None, *front.sample_shape), tf.float32)],
        autograph=False,
    )
