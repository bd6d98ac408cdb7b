"""The weights beside a manifest, tied to it by SHA-256: one flipped bit, and they are refused."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from app.errors import WeightsError
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store


class WeightsState(StrEnum):
    """The weights' file against the manifest's hash."""

    READY = "ready"
    MISSING = "missing"
    ALTERED = "altered"


def weights_path(manifest: Manifest) -> str:
    """Where a model's weights lie in a store."""
    return f"{manifest.ref}/{manifest.weights.file}"


def how_to_bring(manifest: Manifest) -> str:
    """How an operator gets weights that are missing, or altered."""
    if manifest.source.wheel_checkpoint:
        return "run `taggram models pull`"
    if manifest.source.checkpoint:
        return f"run `taggram models pull {manifest.name}`"
    return "bring them back from a copy of the store, or publish the model anew"


def weights_state(store: Store, manifest: Manifest) -> WeightsState:
    """Look at the file without loading it.

    Raises:
        SetupError: It can't be read.
    """
    data = store.read(weights_path(manifest))
    if data is None:
        return WeightsState.MISSING
    return WeightsState.READY if sha256(data) == manifest.weights.sha256 else WeightsState.ALTERED


def check_ready(store: Store, manifest: Manifest) -> None:
    """Hold the file against the manifest's hash.

    Raises:
        WeightsError: It is missing or altered.
        SetupError: It can't be read.
    """
    state = weights_state(store, manifest)
    if state is not WeightsState.READY:
        raise WeightsError(f"The weights of {manifest.ref} are {state}; {how_to_bring(manifest)}")


def read_weights(store: Store, manifest: Manifest) -> dict[str, np.ndarray]:
    """The arrays by the path of the variable that each belongs to.

    Raises:
        WeightsError: The file is missing, is not the one that the manifest names, or holds
            something else than finite float32 arrays in safetensors.
        SetupError: It can't be read.
    """
    where = store.where(weights_path(manifest))
    data = store.read(weights_path(manifest))  # once: what is hashed is what is loaded
    if data is None:
        raise WeightsError(f"{where}: the weights are missing; {how_to_bring(manifest)}")
    return unpacked(manifest, data, where)


def unpacked(manifest: Manifest, data: bytes, where: str) -> dict[str, np.ndarray]:
    """The arrays of a file of weights.

    Raises:
        WeightsError: As `read_weights`.
    """
    if sha256(data) != manifest.weights.sha256:
        raise WeightsError(
            f"{where}: the weights are not the ones that the manifest names (SHA-256 differs); "
            f"to replace them {how_to_bring(manifest)}"
        )
    # A manifest's author may have hashed anything.
    try:
        arrays: dict[str, np.ndarray] = safetensors.numpy.load(data)
    except (SafetensorError, KeyError) as error:  # the latter for types that NumPy does not have
        raise WeightsError(f"{where}: these are no weights in safetensors: {error}") from error
    check_numbers(arrays, where)
    return arrays


def check_converted(manifest: Manifest, data: bytes) -> None:
    """Hold a file of weights that was converted from a released one against the manifest's hash.

    Raises:
        WeightsError: It is another one.
    """
    digest = sha256(data)
    if digest != manifest.weights.sha256:
        raise WeightsError(
            f"{manifest.ref}: the converted weights have SHA-256 {digest}, "
            f"the manifest names {manifest.weights.sha256}"
        )


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A file of weights, the same bytes for the same arrays."""
    contiguous = {path: np.asarray(array, order="C") for path, array in arrays.items()}
    data: bytes = safetensors.numpy.save(contiguous)
    return data


def check_numbers(arrays: Mapping[str, np.ndarray], where: str) -> None:
    """Hold arrays against what weights are.

    Raises:
        WeightsError: One is not float32, or holds a number that is not finite.
    """
    for path, array in arrays.items():
        if array.dtype != np.float32:
            raise WeightsError(f"{where}: {path} is {array.dtype}; weights are float32")
        if not np.isfinite(array).all():
            raise WeightsError(f"{where}: {path} holds numbers that are not finite (NaN, infinity)")


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
