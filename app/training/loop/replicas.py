"""The devices that divide each batch: one, all of a machine, or those of several machines."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import tensorflow as tf

Work = TypeVar("Work")


def strategy() -> tf.distribute.Strategy:
    """Return the strategy for the machines in `TF_CONFIG`, else all GPUs, else all CPUs.

    It must be created before TensorFlow computes anything, as it connects the machines.
    Ray Train sets `TF_CONFIG`.
    """
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def leave_gpus() -> int:
    """Keep this process from using GPUs, so that others can, and return how many there are."""
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices([], "GPU")
    return len(gpus)


def by_one(write: Callable[[], None]) -> None:
    """Call `write` in one process; the others wait until it returns."""
    if _process()[0] == 0:
        write()
    wait_for_all()


def own_share(work: Sequence[Work]) -> Sequence[Work]:
    """Return this process's share of some work, if a training has several processes."""
    number, count = _process()
    return work[number::count]


def wait_for_all() -> None:
    """Wait until all processes of the training have called this."""
    current = tf.distribute.get_strategy()
    if current.cluster_resolver is not None:
        current.reduce("SUM", current.run(lambda: tf.constant(0)), axis=None)


def _process() -> tuple[int, int]:
    """Return the number of this process, and the number of processes of the training."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None:
        return 0, 1
    return resolver.task_id, len(resolver.cluster_spec().as_dict()["worker"])
