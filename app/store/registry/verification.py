"""Verifies models: their weights fit, and reproduce the published scores of the golden input."""

from collections.abc import Mapping

import numpy as np

from app.domain import Precision
from app.store.manifest.manifest import Manifest
from app.store.registry.golden import check_golden
from app.store.registry.loading import check_scores
from app.store.registry.weights import check_hash, read_file, read_weights, unpack, weights_path
from app.store.storage.store import Store


def verify(store: Store, manifest: Manifest) -> None:
    """Load a model of a store and check its outputs for the golden input.

    Raises:
        ManifestError: The network can't be built.
        WeightsError: The weights are missing, altered, do not fit, or have other outputs.
        SetupError: The store can't be read.
    """
    check_file(manifest, read_file(store, manifest), store.where(weights_path(manifest)))


def check_file(manifest: Manifest, data: bytes, where: str) -> None:
    """Check a model as `verify` does, with the content of its file of weights.

    Args:
        manifest: The manifest of the model.
        data: The content of its file of weights.
        where: The file, as messages name it.

    Raises:
        ManifestError, WeightsError: As for `verify`.
    """
    check_hash(manifest, data, where)
    if manifest.network:
        # Imported here, as OpenVINO is optional.
        from app.store.registry.imported import golden_outputs, unpack_imported

        outputs = golden_outputs(unpack_imported(manifest, data))
        check_golden(manifest, outputs, Precision.FLOAT32)
    else:
        check_scores(manifest, unpack(data, where))


def read_arrays(store: Store, manifest: Manifest) -> Mapping[str, np.ndarray]:
    """Return the weights of a model by path; of an imported network, by operation.

    Their shapes are those of the network's variables.

    Raises:
        WeightsError: They are missing, altered, or not valid.
        SetupError: The store can't be read.
    """
    if manifest.network:
        from app.store.registry.imported import load_imported, read_constants

        return read_constants(load_imported(store, manifest))
    return read_weights(store, manifest)
