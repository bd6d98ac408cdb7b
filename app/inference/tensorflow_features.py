"""Computes frames with kapre's layers on TensorFlow."""

import numpy as np
import tensorflow as tf

from app.domain import Frames, Samples
from app.front_ends import FrontEnd
from app.inference.features import padded_part
from app.models.front_end import part_frames


class TensorFlowFeatureExtractor:
    """See `app.inference.features.FeatureExtractor`; one trace for pieces of any length."""

    def __init__(self, front: FrontEnd) -> None:
        """Build the graph and run it once, so that no request waits for the first run."""
        self.front = front
        network = part_frames(front)
        self._frames = tf.function(
            lambda samples: network(samples[tf.newaxis, :, tf.newaxis], training=False)[0],
            input_signature=[tf.TensorSpec((None,), tf.float32)],
            autograph=False,
        )
        self.frames(np.zeros(front.sample_rate, np.float32), 0, 1)

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        """See `app.inference.features.FeatureExtractor`.

        Args:
            track: (samples,) float32.
            first: Index of the first frame.
            last: Index behind the last frame.

        Returns:
            (frames, bins) float32.
        """
        start = first * self.front.hop - self.front.margin
        end = start + (last - 1 - first) * self.front.hop + self.front.reach
        return np.asarray(self._frames(padded_part(track, start, end, self.front.padding)))
