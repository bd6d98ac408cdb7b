"""The devices that share each batch: one, all of a machine, or those of several machines."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import tensorflow as tf

Work = TypeVar("Work")


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
    if _process()[0] == 0:
        write()
    wait_for_all()


def shared_out(work: Sequence[Work]) -> Sequence[Work]:
    """The part of some work that is this process's, where several share a training."""
    number, count = _process()
    return work[number::count]


def wait_for_all() -> None:
    """Go on when all processes that share a training have come here."""
    current = tf.distribute.get_strategy()
    if current.cluster_resolver is not None:
        current.reduce("SUM", current.run(lambda: tf.constant(0)), axis=None)


def _process() -> tuple[int, int]:
    """Number of this process, and how many share the training."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None:
        return 0, 1
    return resolver.task_id, len(resolver.cluster_spec().as_dict()["worker"])
