"""The weights beside a manifest, tied to it by SHA-256: one flipped bit, and they are refused."""

import hashlib
from enum import StrEnum
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from app.errors import WeightsError
from app.store.manifest import Manifest

BRING_WEIGHTS = "run `taggram models pull`"


class WeightsState(StrEnum):
    """The weights' file against the manifest's hash."""

    READY = "ready"
    MISSING = "missing"
    ALTERED = "altered"


def weights_path(store: Path, manifest: Manifest) -> Path:
    """Where a model's weights lie once they are pulled."""
    return store / manifest.name / manifest.version / manifest.weights.file


def weights_state(store: Path, manifest: Manifest) -> WeightsState:
    """Look at the file without loading it."""
    path = weights_path(store, manifest)
    if not path.exists():
        return WeightsState.MISSING
    if sha256(path.read_bytes()) != manifest.weights.sha256:
        return WeightsState.ALTERED
    return WeightsState.READY


def read_weights(store: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """The arrays by the path of the variable that each belongs to.

    Raises:
        WeightsError: The file is missing, can't be read, is not the one that the manifest names, or
            holds something else than float32 arrays in safetensors.
    """
    path = weights_path(store, manifest)
    try:
        data = path.read_bytes()  # once: what is hashed is what is loaded
    except FileNotFoundError:
        raise WeightsError(f"{path}: the weights are missing; {BRING_WEIGHTS}") from None
    except OSError as error:
        raise WeightsError(f"{path}: the weights can't be read: {error.strerror}") from error
    if sha256(data) != manifest.weights.sha256:
        raise WeightsError(
            f"{path}: the weights are not the ones that the manifest names (SHA-256 differs); "
            f"{BRING_WEIGHTS} to replace them"
        )
    return _arrays(path, data)


def _arrays(path: Path, data: bytes) -> dict[str, np.ndarray]:
    """Take the file apart; a manifest's author may have hashed anything."""
    try:
        arrays: dict[str, np.ndarray] = safetensors.numpy.load(data)
    except (SafetensorError, KeyError) as error:  # the latter for types that NumPy does not have
        raise WeightsError(f"{path}: these are no weights in safetensors: {error}") from error
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise WeightsError(f"{path}: {name} is {array.dtype}; weights are float32")
    return arrays


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
