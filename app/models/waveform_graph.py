"""One function from stretches of waveform to scores, for GPUs: frames, network, mean, in one call.

A row of its input is the stretch of a track that the frames of one window depend on, so windows of
several tracks stand side by side, and a track need not be complete. A call copies to the device the
waveform, and back the scores. With frames from a separate function, there are four copies: the
waveform, its frames, the windows, the scores.

What a window of the published models costs, whose networks take .3 to 1.4 GFLOP:

- A row repeats 256 of its neighbour's 47,872 samples, .5 %. Windows that overlap by half are copied
  and transformed twice. Cutting windows on the device would avoid that, but then a batch could not
  take one window of each track in turn.
- A row is 188 KiB, its frames 70. Copying frames would need less, but they are computed on the
  device, or on cores that decode meanwhile.
- The melgram takes 13 MFLOP. Each model computes it again, which is at most 4 % of its network.
"""

import keras
import tensorflow as tf

from app.front_ends import WindowSpec
from app.models.front_end import part_frames, with_channels


def waveform_graph(
    window_spec: WindowSpec, network: keras.Model
) -> tf.types.experimental.GenericFunction:
    """Trace the graph of a network and its front end, once for any number of rows.

    Its inputs are the stretches, (rows, *`window_spec.stretch_shape`) float32, and the number of
    rows that are not padding. Its output are the scores of these rows, and below them their mean,
    which is the track's if they are all its windows: (count + 1, tags) float32.
    """
    frames_of = part_frames(window_spec.front)

    def score(stretches: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Score stretches; a single output is copied to the host at once."""
        frames = frames_of(with_channels(stretches), training=False)
        windows = tf.ensure_shape(frames, (None, *window_spec.window_shape))
        scores = tf.cast(network(windows, training=False), tf.float32)[:count]
        return tf.concat([scores, tf.reduce_mean(scores, axis=0, keepdims=True)], axis=0)

    signature = [
        tf.TensorSpec((None, *window_spec.stretch_shape), tf.float32, name="stretches"),
        tf.TensorSpec((), tf.int32, name="count"),
    ]
    return tf.function(score, input_signature=signature, autograph=False)
