"""Runs a model on TensorFlow, the whole graph in one call."""

import numpy as np
import tensorflow as tf

from app.domain import Scores, Waveform
from app.models.track_model import WINDOWS_PER_STEP
from app.store.loading import TrackModel


class TensorFlowEngine:
    """See `app.inference.engine.Engine`."""

    def __init__(self, model: TrackModel) -> None:
        """Trace the graph once for tracks of any length, and warm it up.

        The first runs allocate and pick kernels, for a full step of windows and for a last one
        that is not full; no artist should wait for that.
        """
        self._ref = model.manifest.ref
        self._sample_rate = model.manifest.front_end.sample_rate
        self._window_samples = model.manifest.front.samples(model.manifest.window_frames)
        graph = model.graph
        self._windows = tf.function(
            lambda waveform: graph(waveform, training=False)["windows"],
            input_signature=[tf.TensorSpec((1, None), tf.float32)],
        )
        silence = np.zeros((WINDOWS_PER_STEP + 2) * self._window_samples, np.float32)
        self.scores(Waveform(silence, self._sample_rate))

    def scores(self, waveform: Waveform) -> Scores:
        """See `app.inference.engine.Engine`."""
        if waveform.sample_rate != self._sample_rate:
            raise ValueError(
                f"{self._ref} hears {self._sample_rate} Hz, not {waveform.sample_rate} Hz"
            )
        samples = waveform.samples
        if len(samples) < self._window_samples:
            samples = np.resize(samples, self._window_samples)
        return np.asarray(self._windows(samples[np.newaxis]), np.float32)
