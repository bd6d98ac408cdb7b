"""Reads and checks files of weights, which a manifest identifies by their SHA-256."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from app.errors import WeightsError
from app.store.manifest.manifest import Manifest
from app.store.manifest.recommender import RecommenderManifest
from app.store.storage.store import Store

Published = Manifest | RecommenderManifest
"""The manifest of any version in a store."""


class WeightsState(StrEnum):
    """The state of a file of weights compared with the hash in its manifest."""

    READY = "ready"
    MISSING = "missing"
    ALTERED = "altered"


def weights_path(manifest: Published) -> str:
    """Return the path of a model's weights in a store."""
    return f"{manifest.ref}/{manifest.weights.file}"


def how_to_restore(manifest: Published) -> str:
    """Return the advice of messages on how to restore missing or altered weights."""
    if isinstance(manifest, RecommenderManifest):
        return "restore them from a copy of the store, or train the recommender again"
    if manifest.source.wheel_checkpoint:
        return "run `taggram models pull`"
    if manifest.source.checkpoint:
        return f"run `taggram models pull {manifest.name}`"
    return "restore them from a copy of the store, or publish the model again"


def weights_state(store: Store, manifest: Published) -> WeightsState:
    """Return the state of a model's weights, by the hash of their file.

    Raises:
        SetupError: It can't be read.
    """
    data = store.read(weights_path(manifest), manifest.weights.sha256)
    if data is None:
        return WeightsState.MISSING
    return WeightsState.READY if sha256(data) == manifest.weights.sha256 else WeightsState.ALTERED


def check_ready(store: Store, manifest: Published) -> None:
    """Check a model's file of weights against the hash in its manifest.

    Raises:
        WeightsError: It is missing or altered.
        SetupError: It can't be read.
    """
    state = weights_state(store, manifest)
    if state is not WeightsState.READY:
        raise WeightsError(f"The weights of {manifest.ref} are {state}; {how_to_restore(manifest)}")


def read_file(store: Store, manifest: Published) -> bytes:
    """Return the content of a model's file of weights.

    Raises:
        WeightsError: The file is missing, or has another hash than in the manifest.
        SetupError: It can't be read.
    """
    where = store.where(weights_path(manifest))
    data = store.read(weights_path(manifest), manifest.weights.sha256)
    if data is None:
        raise WeightsError(f"{where}: the weights are missing; {how_to_restore(manifest)}")
    check_hash(manifest, data, where)
    return data


def check_hash(manifest: Published, data: bytes, where: str) -> None:
    """Check the content of a file of weights against the hash in its manifest.

    Args:
        manifest: The manifest with the hash.
        data: The content of the file.
        where: The file, as messages name it.

    Raises:
        WeightsError: It has another hash.
    """
    if sha256(data) != manifest.weights.sha256:
        raise WeightsError(
            f"{where}: the SHA-256 of the weights is not that of the manifest; to replace them "
            f"{how_to_restore(manifest)}"
        )


def read_weights(store: Store, manifest: Manifest) -> dict[str, np.ndarray]:
    """Read a model's weights by path, in the shapes of its variables.

    Raises:
        WeightsError: The file is missing, has another hash than in the manifest, or contains other
            data than finite float32 arrays in safetensors.
        SetupError: It can't be read.
    """
    return unpack(read_file(store, manifest), store.where(weights_path(manifest)))


def unpack(data: bytes, where: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file of weights by path, in the shapes of the file.

    Args:
        data: The content of the file.
        where: The file, as messages name it.

    Raises:
        WeightsError: It contains other data than finite float32 arrays in safetensors.
    """
    arrays = unpack_any(data, where)
    check_numbers(arrays, where)
    return arrays


def unpack_any(data: bytes, where: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name, of any type and shape, which the caller checks.

    Args:
        data: The content of the file.
        where: The file, as messages name it.

    Raises:
        WeightsError: It is not valid safetensors.
    """
    try:
        arrays: dict[str, np.ndarray] = safetensors.numpy.load(data)
    except (SafetensorError, KeyError) as error:  # the latter for types that NumPy lacks
        raise WeightsError(f"{where}: this is not a valid safetensors file: {error}") from error
    return arrays


def check_converted(manifest: Manifest, data: bytes) -> None:
    """Check the hash of converted weights against the manifest.

    Raises:
        WeightsError: The hash differs.
    """
    digest = sha256(data)
    if digest != manifest.weights.sha256:
        raise WeightsError(
            f"{manifest.ref}: the converted weights have SHA-256 {digest}; "
            f"expected {manifest.weights.sha256}"
        )


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of a file of weights of any shapes; equal arrays give equal bytes."""
    contiguous = {path: np.asarray(array, order="C") for path, array in arrays.items()}
    data: bytes = safetensors.numpy.save(contiguous)
    return data


def check_numbers(arrays: Mapping[str, np.ndarray], where: str) -> None:
    """Check that weights are finite and float32.

    Args:
        arrays: The weights by path, of any shape.
        where: Their file, as messages name it.

    Raises:
        WeightsError: An array is not.
    """
    for path, array in arrays.items():
        if array.dtype != np.float32:
            raise WeightsError(f"{where}: {path} is {array.dtype}; expected float32")
        if not np.isfinite(array).all():
            raise WeightsError(f"{where}: {path} holds numbers that are not finite (NaN, infinity)")


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
