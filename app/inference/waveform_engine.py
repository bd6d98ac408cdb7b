"""Runs a model on a GPU, from the waveform to the scores in one call."""

import numpy as np
import tensorflow as tf

from app.domain import Backend, Outputs, Precision, Waveform, Windows
from app.inference.engine import Engine, windows_of
from app.inference.tensorflow_engine import GPU_BATCH_S, pad_batch
from app.models.waveform_graph import waveform_graph
from app.store.registry.loading import TrackModel


class WaveformEngine(Engine):
    """See `app.inference.engine.Engine`; a window is a stretch of waveform, (samples,) or stereo.

    Attributes:
        graph: The one function; see `app.models.waveform_graph`.
    """

    backend = Backend.TENSORFLOW

    def __init__(self, model: TrackModel, precision: Precision) -> None:
        """Trace the function once, and run it for the sizes of batches that it will get."""
        # By default a GPU rounds float32 products to TF32.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        window_spec = model.manifest.window_spec
        batch_windows = windows_of(GPU_BATCH_S, window_spec)
        super().__init__(model.manifest.ref, precision, batch_windows, window_spec, None)
        self.embedding = model.embedding
        self.input_shape = window_spec.stretch_shape
        self.graph = waveform_graph(window_spec, model.network)
        self.warm_up()

    def score(self, windows: Windows) -> Outputs:
        """See `app.inference.engine.Engine`.

        Args:
            windows: (windows, *input_shape) float32.

        Returns:
            (windows, tags + embedding) float32.
        """
        return self._run(windows)[:-1]

    def mean(self, waveform: Waveform) -> Outputs:
        """See `app.inference.engine.Engine`; the device computes the mean of each batch."""
        means, sizes = zip(
            *((self._run(batch)[-1], len(batch)) for batch in self._whole_batches(waveform)),
            strict=True,
        )
        return np.average(means, axis=0, weights=sizes).astype(np.float32)

    def _run(self, windows: Windows) -> Outputs:
        """Return the scores and, as the last row, their mean: (windows + 1, outputs)."""
        return np.asarray(self.graph(pad_batch(windows), len(windows)))
