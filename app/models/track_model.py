"""Builds one graph from a whole waveform to scores: frames, windows, network, mean over time.

Only the waveform is copied to the device, and only scores are copied back. The frames are computed
once for the track and then cut into windows, as musicnn does: cutting the waveform first would
reflect it at the edges of every window. The models of Won et al. were trained on windows that were
cut first, which changes only the two frames at the edges of a window.

This graph computes the golden scores of a model. `app.models.waveform_graph` serves on GPUs.
"""

import keras
import tensorflow as tf
from keras import layers

from app.front_ends import LEAST_REST, WindowSpec
from app.models.front_end import track_frames

WINDOWS_PER_STEP = 8
"""Bounds memory: a window needs about 30 MB in the network, and a track of 10 minutes has 200."""


@keras.saving.register_keras_serializable("taggram")
class ScoreWindows(layers.Layer):
    """Cuts frames into windows and scores them, a few at a time.

    (1, frames, *shape) -> (windows, n_tags). The windows are those of `WindowSpec.starts`. There
    must be at least one, so the caller fills up a shorter track.
    """

    def __init__(
        self, network: keras.Model, window_frames: int, hop_frames: int, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.window_frames = window_frames
        self.hop_frames = hop_frames

    def call(self, frames: tf.Tensor) -> tf.Tensor:
        """Score the windows of the one track in the batch, (1, frames, *shape)."""
        starts = self._starts(tf.shape(frames)[1])
        count = tf.shape(starts)[0]
        steps = (count + WINDOWS_PER_STEP - 1) // WINDOWS_PER_STEP
        scores = tf.TensorArray(tf.float32, size=steps, infer_shape=False)

        def step(index: tf.Tensor, scores: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            """Score the next windows, (up to WINDOWS_PER_STEP, n_tags)."""
            batch = starts[index * WINDOWS_PER_STEP :][:WINDOWS_PER_STEP]
            windows = tf.gather(frames[0], batch[:, tf.newaxis] + tf.range(self.window_frames))
            return index + 1, scores.write(index, self.network(windows, training=False))

        _, scores = tf.while_loop(
            lambda index, _: index < steps, step, (0, scores), parallel_iterations=1
        )
        return scores.concat()

    def _starts(self, frames: tf.Tensor) -> tf.Tensor:
        """Return what `WindowSpec.starts` does, (windows,)."""
        last = frames - self.window_frames
        starts = tf.range(0, last + 1, self.hop_frames)
        is_scored = last - starts[-1] > int(LEAST_REST * self.hop_frames)
        return tf.concat([starts, tf.fill([tf.cast(is_scored, tf.int32)], last)], axis=0)

    def compute_output_shape(self, _: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (None, n_tags); the number of windows is known only when it runs."""
        return (None, self.network.output_shape[-1])


def track_model(window_spec: WindowSpec, network: keras.Model) -> keras.Model:
    """Build the graph of a network and its front end.

    Its input is one waveform, (1, samples), at the front end's sample rate. Its outputs are
    `windows`, (windows, n_tags), and `mean`, (n_tags,), the mean over time.
    """
    frames = track_frames(window_spec.front)
    score_windows = ScoreWindows(
        network, window_spec.window_frames, window_spec.hop_frames, name="windows"
    )
    windows = score_windows(frames.output)
    mean = keras.ops.mean(windows, axis=0)
    return keras.Model(frames.input, {"windows": windows, "mean": mean}, name="track")
