"""Loads a published model: its weights, held against their hash, in the network they belong to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from app.domain import Precision
from app.errors import ManifestError, WeightsError
from app.models import ARCHITECTURES
from app.models.folding import Weights
from app.models.track_model import track_model
from app.store.golden import check_golden, golden_waveform
from app.store.manifest import Manifest
from app.store.weights import read_weights

POLICIES = {Precision.FLOAT32: "float32", Precision.BF16: "mixed_bfloat16"}
"""Keras's names: with the latter the layers compute in bf16 and keep their weights in float32."""


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A model with its weights.

    Attributes:
        manifest: What is said about it.
        network: Windows (batch, frames, mels) to scores (batch, tags).
        graph: Waveform (1, samples) to `windows` (windows, tags) and `mean` (tags,).
    """

    manifest: Manifest
    network: keras.Model
    graph: keras.Model


def load(store: Path, manifest: Manifest, precision: Precision = Precision.FLOAT32) -> TrackModel:
    """Build a model in the form that does the least arithmetic, and fill it with its weights.

    Raises:
        ManifestError: No such architecture, or not with these arguments.
        WeightsError: The weights are missing, altered, or do not fit.
    """
    weights: Weights = read_weights(store, manifest)
    name, given = manifest.architecture.name, manifest.architecture.arguments
    if name not in ARCHITECTURES:
        raise ManifestError(
            f"{manifest.ref}: no architecture {name!r}; there are {', '.join(ARCHITECTURES)}"
        )
    _check_fit(manifest, _network(manifest, given), weights)
    smaller, weights = ARCHITECTURES[name].folded(weights, manifest.front_end.n_mels)
    return assemble(manifest, {**given, **smaller}, weights, precision)


def verify(store: Path, manifest: Manifest) -> None:
    """Load a model and hold its graph against its golden scores.

    Raises:
        ManifestError, WeightsError: as `load` and `check_golden`.
    """
    graph = load(store, manifest).graph
    waveform = golden_waveform(manifest.golden, manifest.front_end.sample_rate)
    check_golden(manifest, np.asarray(graph(waveform[np.newaxis])["mean"]), Precision.FLOAT32)


def assemble(
    manifest: Manifest, arguments: Mapping[str, object], weights: Weights, precision: Precision
) -> TrackModel:
    """Build a model with these arguments of its architecture, and fill it with these weights.

    Raises:
        ManifestError: The architecture can't be built with these arguments.
        WeightsError: The weights do not fit.
    """
    with _policy(POLICIES[precision]):
        network = _network(manifest, arguments)
    _check_fit(manifest, network, weights)
    for variable in network.weights:
        variable.assign(weights[variable.path])
    graph = track_model(manifest.front, network, manifest.window_frames, manifest.hop_frames)
    return TrackModel(manifest, network, graph)


def _network(manifest: Manifest, arguments: Mapping[str, object]) -> keras.Model:
    try:
        return ARCHITECTURES[manifest.architecture.name].network(
            n_tags=len(manifest.tags.names),
            frames=manifest.window_frames,
            mels=manifest.front_end.n_mels,
            **arguments,
        )
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ManifestError(f"{manifest.ref}: architecture.arguments: {error}") from error


@contextmanager
def _policy(name: str) -> Iterator[None]:
    """Have the layers that are built in the body compute by a policy of Keras."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _check_fit(manifest: Manifest, network: keras.Model, weights: Weights) -> None:
    """Hold weights against the variables of a network, by path: every one, and nothing else."""
    wanted = {variable.path: tuple(variable.shape) for variable in network.weights}
    given = {path: tuple(array.shape) for path, array in weights.items()}
    if wanted != given:
        differing = sorted(dict(wanted.items() ^ given.items()))
        raise WeightsError(f"{manifest.ref}: the weights do not fit at {', '.join(differing)}")
