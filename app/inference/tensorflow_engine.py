"""Runs a network in TensorFlow: the fastest on a GPU, and it works everywhere."""

import numpy as np
import tensorflow as tf

from app.domain import Backend, Precision, Scores, Windows
from app.inference.engine import Engine
from app.inference.melgrams import Melgrams
from app.store.loading import TrackModel

CPU_BATCH_WINDOWS = 8
"""On a CPU larger batches are no faster, and everybody behind one waits longer."""

GPU_BATCH_WINDOWS = 64


class TensorFlowEngine(Engine):
    """See `app.inference.engine.Engine`."""

    backend = Backend.TENSORFLOW

    def __init__(self, model: TrackModel, precision: Precision, melgrams: Melgrams) -> None:
        """Trace the network once for batches of any size."""
        # float32 means float32 on a GPU too, in the melgram as well: by default it drops digits.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self._pads = has_gpu()
        batch_windows = GPU_BATCH_WINDOWS if self._pads else CPU_BATCH_WINDOWS
        super().__init__(model.manifest.ref, precision, batch_windows, melgrams)
        network = model.network
        signature = [tf.TensorSpec(network.input_shape, tf.float32)]
        self._score = tf.function(
            lambda windows: network(windows, training=False), input_signature=signature
        )
        self.warm_up()

    def score(self, windows: Windows) -> Scores:
        """See `app.inference.engine.Engine`."""
        given = _padded(windows) if self._pads else windows
        return np.asarray(self._score(given), np.float32)[: len(windows)]


def has_gpu() -> bool:
    """Whether TensorFlow finds a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def _padded(windows: Windows) -> Windows:
    """Fill a batch up to a power of two: a GPU picks its kernels anew for every shape it meets."""
    size = 1 << (len(windows) - 1).bit_length()
    return np.concatenate(
        [windows, np.zeros((size - len(windows), *windows.shape[1:]), np.float32)]
    )
