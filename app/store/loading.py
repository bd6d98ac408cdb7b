"""Loads a published model, after its hash and its golden scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from app.errors import ManifestError, WeightsError
from app.models import architectures, build
from app.models.track_model import track_model
from app.store.golden import golden_waveform
from app.store.manifest import Manifest
from app.store.weights import read_weights


@dataclass(frozen=True, eq=False)
class TrackModel:
    """A verified model: waveform (1, samples) to `windows` (windows, tags) and `mean` (tags,)."""

    manifest: Manifest
    graph: keras.Model


def load(store: Path, manifest: Manifest) -> TrackModel:
    """Build a model, fill it with its weights and hold it against its golden scores.

    Raises:
        ManifestError: No such architecture, or not with these arguments.
        WeightsError: The weights are missing, altered, do not fit, or score differently.
    """
    graph = assemble(manifest, read_weights(store, manifest))
    _check_golden(manifest, graph)
    return TrackModel(manifest, graph)


def assemble(manifest: Manifest, weights: Mapping[str, np.ndarray]) -> keras.Model:
    """The whole graph of a model with the given weights, not yet held against its golden scores.

    Raises:
        ManifestError: No such architecture, or not with these arguments.
        WeightsError: The weights do not fit.
    """
    if manifest.architecture.name not in architectures():
        raise ManifestError(
            f"{manifest.ref}: no architecture {manifest.architecture.name!r}; "
            f"there are {', '.join(architectures())}"
        )
    try:
        network = build(
            manifest.architecture.name,
            n_tags=len(manifest.tags.names),
            frames=manifest.window_frames,
            mels=manifest.front_end.n_mels,
            **manifest.architecture.arguments,
        )
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ManifestError(f"{manifest.ref}: architecture.arguments: {error}") from error
    _fill(manifest, network, weights)
    return track_model(manifest.front, network, manifest.window_frames, manifest.hop_frames)


def golden_scores(manifest: Manifest, graph: keras.Model) -> np.ndarray:
    """What the graph gives for the manifest's golden input, (tags,)."""
    golden = manifest.golden
    waveform = golden_waveform(golden.seed, golden.seconds, manifest.front_end.sample_rate)
    return np.asarray(graph(waveform[np.newaxis])["mean"])


def _fill(manifest: Manifest, network: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Set each variable of the network by its path; every one, and nothing else."""
    wanted = {variable.path: tuple(variable.shape) for variable in network.weights}
    given = {path: tuple(array.shape) for path, array in weights.items()}
    if wanted != given:
        differing = sorted(dict(wanted.items() ^ given.items()))
        raise WeightsError(f"{manifest.ref}: the weights do not fit at {', '.join(differing)}")
    for variable in network.weights:
        variable.assign(weights[variable.path])


def _check_golden(manifest: Manifest, graph: keras.Model) -> None:
    off = np.max(np.abs(golden_scores(manifest, graph) - np.array(manifest.golden.mean_scores)))
    if not off <= manifest.golden.tolerance:
        raise WeightsError(
            f"{manifest.ref}: the golden input scores {off:.1e} off what is published "
            f"(at most {manifest.golden.tolerance:.0e}); this machine or its libraries compute "
            "something else, so the model is not served"
        )
