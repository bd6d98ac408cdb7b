"""Runs a network in TensorFlow: the fastest on a GPU, and it works everywhere."""

import numpy as np
import tensorflow as tf

from app.domain import Backend, Outputs, Precision, Windows
from app.inference.engine import Engine, windows_of
from app.inference.features import FeatureExtractor
from app.store.registry.loading import TrackModel

CPU_BATCH_S = 24.0
"""On a CPU larger batches are not faster, and requests behind one wait longer."""

GPU_BATCH_S = 192.0


class TensorFlowEngine(Engine):
    """See `app.inference.engine.Engine`."""

    backend = Backend.TENSORFLOW

    def __init__(
        self, model: TrackModel, precision: Precision, extractor: FeatureExtractor
    ) -> None:
        """Trace the network once for batches of any size."""
        # By default a GPU rounds float32 products to TF32, in the front end too.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self._pads = has_gpu()
        manifest, batch_s = model.manifest, GPU_BATCH_S if self._pads else CPU_BATCH_S
        batch_windows = windows_of(batch_s, manifest.window_spec)
        super().__init__(manifest.ref, precision, batch_windows, manifest.window_spec, extractor)
        self.embedding = model.embedding
        network = model.network
        signature = [tf.TensorSpec(network.input_shape, tf.float32)]
        self._score = tf.function(
            lambda windows: network(windows, training=False),
            input_signature=signature,
            autograph=False,
        )
        self.warm_up()

    def score(self, windows: Windows) -> Outputs:
        """See `app.inference.engine.Engine`.

        Args:
            windows: (windows, frames, bins) float32.

        Returns:
            (windows, tags + embedding) float32.
        """
        batch = pad_batch(windows) if self._pads else windows
        return np.asarray(self._score(batch), np.float32)[: len(windows)]


def has_gpu() -> bool:
    """Return whether TensorFlow finds a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def pad_batch(windows: Windows) -> Windows:
    """Pad a batch to a power of two: a GPU selects its kernels again for every new shape."""
    missing = (1 << (len(windows) - 1).bit_length()) - len(windows)
    if not missing:
        return windows
    return np.concatenate([windows, np.zeros((missing, *windows.shape[1:]), np.float32)])
