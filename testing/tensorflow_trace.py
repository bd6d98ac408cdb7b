"""What TensorFlow does during a call: calls of functions, and on a GPU copies from and to it."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

FUNCTION_CALLS = "FunctionRun"
"""The event of a called `tf.function`."""

TO_DEVICE, TO_HOST = "MemcpyH2D", "MemcpyD2H"
"""The events of copies."""


def traced(work: Callable[[], object]) -> Counter[str]:
    """Count the events of a call, by name, on all devices and threads."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        try:
            work()
        finally:
            tf.profiler.experimental.stop()
        [file] = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    return Counter(
        plane.event_metadata[event.metadata_id].name
        for plane in space.planes
        for line in plane.lines
        for event in line.events
    )
