"""Makes melgram windows with kapre's layers on TensorFlow."""

import numpy as np
import tensorflow as tf

from app.domain import Samples, Windows
from app.inference.melgrams import Framing
from app.models.front_end import framed_melgram


class TensorFlowMelgrams:
    """See `app.inference.melgrams.Melgrams`; one trace for pieces of any length."""

    def __init__(self, framing: Framing) -> None:
        """Build the graph and run it once, so that no artist waits for the first run."""
        self.framing = framing
        network = framed_melgram(framing.front)

        def windows(samples: tf.Tensor) -> tf.Tensor:
            melgram = network(samples[tf.newaxis, :, tf.newaxis], training=False)[0]
            return tf.signal.frame(melgram, framing.window_frames, framing.hop_frames, axis=0)

        signature = [tf.TensorSpec((None,), tf.float32)]
        self._windows = tf.function(windows, input_signature=signature)
        self.make(np.zeros(2 * framing.window_samples, np.float32), 0, 1)

    def make(self, track: Samples, first: int, last: int) -> Windows:
        """See `app.inference.melgrams.Melgrams`."""
        start, end = self.framing.span(first, last)
        before, after = max(0, -start), max(0, end - len(track))
        samples = track[max(0, start) : end]
        if before or after:
            samples = np.pad(samples, (before, after), mode="reflect")
        return np.asarray(self._windows(samples))
