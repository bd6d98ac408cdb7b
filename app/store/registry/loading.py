"""Loads a published model: checks its weights against their hash, and fills the network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import keras
import numpy as np

from app.domain import Precision, Scores
from app.errors import ManifestError, SetupError, WeightsError
from app.models import architectures, network, variables
from app.models import shapes as network_shapes
from app.models.folding import Weights
from app.models.track_model import track_model
from app.paths import shortened
from app.store.manifest.manifest import Manifest, ModelSpec
from app.store.registry.golden import check_golden, golden_waveform
from app.store.registry.weights import read_weights
from app.store.storage.store import Store

POLICIES = {Precision.FLOAT32: "float32", Precision.BF16: "mixed_bfloat16"}
"""Keras's names: with the latter the layers compute in bf16 and keep their weights in float32."""


_LONGEST_LIST = 2_000
"""Characters of a message; a network may have hundreds of weights."""


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A model with its weights.

    Attributes:
        manifest: Its manifest.
        network: Windows (batch, *window) to scores (batch, tags).
        exact: Whether it has the filters that the manifest calls negligible.
        embedding: The width of the embedding that follows the scores; 0 without.
    """

    manifest: Manifest
    network: keras.Model
    exact: bool = True
    embedding: int = 0

    @cached_property
    def graph(self) -> keras.Model:
        """Waveform (1, samples) to `windows` (windows, tags) and `mean` (tags,)."""
        return track_model(self.manifest.window_spec, self.network)


def load(
    store: Store,
    manifest: Manifest,
    precision: Precision = Precision.FLOAT32,
    *,
    exact: bool = True,
) -> TrackModel:
    """Load a model, folded to less arithmetic; see `app.models.folding`.

    Args:
        store: The model store.
        manifest: The manifest of the model.
        precision: The arithmetic of its layers.
        exact: Whether to keep the filters that its manifest calls negligible.

    Raises:
        ManifestError: The architecture is unknown, or can't be built with its arguments.
        WeightsError: The weights are missing, altered, or do not fit.
        SetupError: The store can't be read.
    """
    return load_folded(manifest, read_weights(store, manifest), precision, exact=exact)


def load_folded(
    manifest: Manifest,
    weights: Weights,
    precision: Precision = Precision.FLOAT32,
    *,
    exact: bool = True,
) -> TrackModel:
    """Load a model as `load` does, with weights that were read before.

    Args:
        manifest: The manifest of the model.
        weights: Its weights by path.
        precision: The arithmetic of its layers.
        exact: Whether to keep the filters that its manifest calls negligible.

    Raises:
        ManifestError, WeightsError: As for `load`.
    """
    name, arguments = manifest.architecture.name, manifest.architecture.arguments
    folded = architectures()[name].folded if name in architectures() else None
    if folded is None:
        return assemble(manifest, arguments, weights, precision)
    _check_fit(manifest, shapes(manifest, arguments), weights)
    negligible = manifest.folding.filters if manifest.folding and not exact else {}
    try:
        with np.errstate(all="ignore"):  # the golden check refuses extreme weights
            smaller, weights = folded(weights, manifest.window_spec.window_shape, negligible)
    except ValueError as error:
        raise ManifestError(f"{manifest.ref}: folding.filters: {error}") from error
    model = assemble(manifest, {**arguments, **smaller}, weights, precision)
    return replace(model, exact=exact)


def find_embedding(model: TrackModel) -> keras.KerasTensor:
    """Return the input of the last layer of a network, (batch, dimensions).

    Raises:
        SetupError: The network has no such layer.
    """
    try:
        return model.network.get_layer("tags").input
    except ValueError:
        raise SetupError(
            f"{model.manifest.ref}: its architecture {model.manifest.architecture.name} has no "
            "last layer for tags, whose input would be the embedding; choose a model of a single "
            "network"
        ) from None


def add_embedding(model: TrackModel) -> TrackModel:
    """Return a model whose outputs are the scores and then the embedding.

    Raises:
        SetupError: As for `find_embedding`.
    """
    embedding = find_embedding(model)
    joined = keras.layers.Concatenate(dtype="float32")([model.network.output, embedding])
    network = keras.Model(model.network.input, joined)
    return replace(model, network=network, embedding=embedding.shape[-1])


def check_scores(manifest: Manifest, weights: Weights) -> None:
    """Check a network's scores of the golden input, with and without its negligible filters.

    Args:
        manifest: The manifest of the model.
        weights: Its weights by path.

    Raises:
        ManifestError, WeightsError: As for `load` and `check_golden`.
    """
    for exact in (True, False) if manifest.folding else (True,):
        scores = golden_scores(load_folded(manifest, weights, exact=exact))
        check_golden(manifest, scores, Precision.FLOAT32, exact=exact)


def golden_scores(model: TrackModel) -> Scores:
    """Return the mean scores of a model's golden input, (tags,), over its whole windows."""
    window_spec = model.manifest.window_spec
    waveform = window_spec.fill(golden_waveform(model.manifest.golden, window_spec.front))
    windows = model.graph(waveform[np.newaxis])["windows"]
    mean: Scores = np.mean(windows[: window_spec.whole_windows(len(waveform))], axis=0)
    return mean


def assemble(
    manifest: Manifest, arguments: Mapping[str, object], weights: Weights, precision: Precision
) -> TrackModel:
    """Build a model with the given arguments of its architecture, and set its weights.

    Args:
        manifest: The manifest of the model.
        arguments: Arguments of its architecture.
        weights: Its weights by path.
        precision: The arithmetic of its layers.

    Raises:
        ManifestError: The architecture can't be built with these arguments.
        WeightsError: The weights do not fit.
    """
    with dtype_policy(POLICIES[precision]):
        _check_fit(manifest, shapes(manifest, arguments), weights)
        built = build(manifest, arguments)
    for path, variable in variables(built).items():
        variable.assign(weights[path])
    return TrackModel(manifest, built)


def shapes(spec: ModelSpec, arguments: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a model's weights by their paths, without allocating the weights.

    Raises:
        ManifestError: The architecture is unknown, can't be built with these arguments, or the
            network is too large.
    """
    with _architecture_of(spec) as (name, n_tags):
        return network_shapes(name, n_tags, spec.window_spec, arguments)


def build(spec: ModelSpec, arguments: Mapping[str, object]) -> keras.Model:
    """Build the network of a model with random weights.

    Raises:
        ManifestError: The architecture is unknown, or can't be built with these arguments.
    """
    with _architecture_of(spec) as (name, n_tags):
        return network(name, n_tags, spec.window_spec, arguments)


@contextmanager
def _architecture_of(spec: ModelSpec) -> Iterator[tuple[str, int]]:
    """Yield the architecture and the number of tags; errors of the body become `ManifestError`."""
    name = spec.architecture.name
    if name not in architectures():
        raise ManifestError(
            f"{spec.title}: {name!r} is not a known architecture; expected one of "
            f"{', '.join(architectures())}"
        )
    try:
        yield name, len(spec.tags.names)
    except ValueError as error:
        reason = " ".join(str(error).split())  # Keras's messages have several lines
        raise ManifestError(f"{spec.title}: architecture.arguments: {reason}") from error


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Set Keras's dtype policy for the layers that are built in the body."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _check_fit(
    manifest: Manifest, expected: Mapping[str, tuple[int, ...]], weights: Weights
) -> None:
    """Check that weights have exactly the paths and shapes of a network's."""
    actual = {path: tuple(array.shape) for path, array in weights.items()}
    if expected != actual:
        differing = sorted(dict(expected.items() ^ actual.items()))
        paths = shortened(", ".join(differing), _LONGEST_LIST)
        raise WeightsError(f"{manifest.ref}: the weights do not fit at {paths}")
