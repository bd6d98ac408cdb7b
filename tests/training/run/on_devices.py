"""`python -m tests.training.run.on_devices COUNT arguments...`: `taggram` on COUNT devices.

One CPU is configured as several, before TensorFlow looks for devices.
"""

import sys

import tensorflow as tf

from app.cli import main

if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    count = int(sys.argv.pop(1))
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * count
    )
    main()
