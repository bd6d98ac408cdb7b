"""`python -m tests.training.contrast_on_devices`: contrast of a batch on one device and on two.

Writes JSON: for each of them the loss, and the gradient of a weight before it.
"""

import json
import sys

import numpy as np
import tensorflow as tf

from app.training.losses import ContrastLoss

RNG = np.random.default_rng(3)
WINDOWS = RNG.normal(size=(12, 5)).astype(np.float32)
WEIGHT = RNG.normal(size=(5, 5)).astype(np.float32)


def contrast(strategy: tf.distribute.Strategy, cuts: list[int]) -> dict[str, list[float]]:
    """Loss and gradient, summed over devices as an optimizer does it."""
    parts = np.split(WINDOWS, cuts)
    with strategy.scope():
        weight = tf.Variable(WEIGHT)
    loss_of = ContrastLoss(0.5)

    def step(windows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = loss_of(tf.zeros((tf.shape(windows)[0], 1)), windows @ weight)
        return loss, tape.gradient(loss, weight)

    given = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )

    @tf.function
    def run() -> tuple[tf.Tensor, tf.Tensor]:
        loss, gradient = strategy.run(step, args=(given,))
        return tuple(strategy.reduce("SUM", each, axis=None) for each in (loss, gradient))

    loss, gradient = run()
    return {"loss": [float(loss)], "gradient": gradient.numpy().ravel().tolist()}


if __name__ == "__main__":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one = tf.distribute.OneDeviceStrategy("CPU:0")
    json.dump({"one": contrast(one, []), "two": contrast(two, [6])}, sys.stdout)
