"""The devices that share each batch: one, all of a machine, or those of several machines."""

import os
from collections.abc import Callable

import tensorflow as tf


def strategy() -> tf.distribute.Strategy:
    """All machines that `TF_CONFIG` names, as Ray Train sets it; else all GPUs here, else its CPUs.

    To be made before TensorFlow computes anything, as several machines meet while it starts.
    """
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def by_one(write: Callable[[], None]) -> None:
    """Have one process of all write; the others go on when it is written."""
    current = tf.distribute.get_strategy()
    resolver = current.cluster_resolver
    if resolver is None or resolver.task_id == 0:
        write()
    if resolver is not None:
        current.reduce("SUM", current.run(lambda: tf.constant(0)), axis=None)
