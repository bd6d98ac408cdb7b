"""Loads a published model: its weights, held against their hash, in the network they belong to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from app.domain import Precision, Scores
from app.errors import ManifestError, WeightsError
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
"""Characters; a network may have hundreds of weights."""


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A model with its weights.

    Attributes:
        manifest: What is said about it.
        network: Windows (batch, *window) to scores (batch, tags).
    """

    manifest: Manifest
    network: keras.Model

    @cached_property
    def graph(self) -> keras.Model:
        """Waveform (1, samples) to `windows` (windows, tags) and `mean` (tags,)."""
        return track_model(self.manifest.window_spec, self.network)


def load(store: Store, manifest: Manifest, precision: Precision = Precision.FLOAT32) -> TrackModel:
    """Build a model in the form that does the least arithmetic, and fill it with its weights.

    Raises:
        ManifestError: No such architecture, or not with these arguments.
        WeightsError: The weights are missing, altered, or do not fit.
        SetupError: The store can't be read.
    """
    return lightest(manifest, read_weights(store, manifest), precision)


def lightest(
    manifest: Manifest, weights: Weights, precision: Precision = Precision.FLOAT32
) -> TrackModel:
    """As `load`, with weights that were read before."""
    name, given = manifest.architecture.name, manifest.architecture.arguments
    folded = architectures()[name].folded if name in architectures() else None
    if folded is None:
        return assemble(manifest, given, weights, precision)
    _check_fit(manifest, shapes(manifest, given), weights)
    with np.errstate(all="ignore"):  # what becomes of absurd weights, the golden scores tell
        smaller, weights = folded(weights, manifest.window_spec.window_shape)
    return assemble(manifest, {**given, **smaller}, weights, precision)


def verify(store: Store, manifest: Manifest) -> None:
    """Load a model and hold its graph against its golden scores.

    Raises:
        ManifestError, WeightsError, SetupError: as `load` and `check_golden`.
    """
    check_scores(manifest, read_weights(store, manifest))


def check_scores(manifest: Manifest, weights: Weights) -> None:
    """As `verify`, with weights that were read before."""
    check_golden(manifest, golden_scores(lightest(manifest, weights)), Precision.FLOAT32)


def golden_scores(model: TrackModel) -> Scores:
    """What a model's graph scores for its golden input, (tags,)."""
    waveform = golden_waveform(model.manifest.golden, model.manifest.front_end.sample_rate)
    samples = max(len(waveform), model.manifest.window_spec.window_samples)
    return np.asarray(model.graph(np.resize(waveform, samples)[np.newaxis])["mean"])


def assemble(
    manifest: Manifest, arguments: Mapping[str, object], weights: Weights, precision: Precision
) -> TrackModel:
    """Build a model with these arguments of its architecture, and fill it with these weights.

    Raises:
        ManifestError: The architecture can't be built with these arguments.
        WeightsError: The weights do not fit.
    """
    with _policy(POLICIES[precision]):
        _check_fit(manifest, shapes(manifest, arguments), weights)
        built = build(manifest, arguments)
    for path, variable in variables(built).items():
        variable.assign(weights[path])
    return TrackModel(manifest, built)


def shapes(spec: ModelSpec, arguments: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a model's weights by their paths, before there is memory for them.

    Raises:
        ManifestError: No such architecture, not with these arguments, or it computes too much.
    """
    with _built_as_said(spec) as (name, n_tags):
        return network_shapes(name, n_tags, spec.window_spec, arguments)


def build(spec: ModelSpec, arguments: Mapping[str, object]) -> keras.Model:
    """Build the network of a model with random weights.

    Raises:
        ManifestError: No such architecture, or not with these arguments.
    """
    with _built_as_said(spec) as (name, n_tags):
        return network(name, n_tags, spec.window_spec, arguments)


@contextmanager
def _built_as_said(spec: ModelSpec) -> Iterator[tuple[str, int]]:
    """Name the architecture and count its tags; what it can't be built with is the manifest's."""
    name = spec.architecture.name
    if name not in architectures():
        raise ManifestError(
            f"{spec.title}: no architecture {name!r}; there are {', '.join(architectures())}"
        )
    try:
        yield name, len(spec.tags.names)
    except ValueError as error:
        said = " ".join(str(error).split())  # Keras says it in several lines
        raise ManifestError(f"{spec.title}: architecture.arguments: {said}") from error


@contextmanager
def _policy(name: str) -> Iterator[None]:
    """Have the layers that are built in the body compute by a policy of Keras."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _check_fit(manifest: Manifest, wanted: Mapping[str, tuple[int, ...]], weights: Weights) -> None:
    """Hold weights against the shapes of a network's, by path: every one, and nothing else."""
    given = {path: tuple(array.shape) for path, array in weights.items()}
    if wanted != given:
        differing = sorted(dict(wanted.items() ^ given.items()))
        places = shortened(", ".join(differing), _LONGEST_LIST)
        raise WeightsError(f"{manifest.ref}: the weights do not fit at {places}")
