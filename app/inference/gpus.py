"""Finds GPUs without importing TensorFlow, which takes seconds, on machines that have none."""

from pathlib import Path

DEVICES = ("nvidia[0-9]*", "nvidiactl", "kfd", "dxg")
"""Device files of the drivers of NVIDIA, of AMD, and of Windows's Linux."""

_DEVICE_FOLDER = Path("/dev")


def has_gpu() -> bool:
    """Return whether TensorFlow finds a GPU."""
    if not any(file for pattern in DEVICES for file in _DEVICE_FOLDER.glob(pattern)):
        return False
    from app.inference import tensorflow_engine

    return tensorflow_engine.has_gpu()
