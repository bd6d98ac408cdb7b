"""Read which moments of a track a network attended to.

The transformers here gather each window in a class token, whose scores are the tags'. In the last
block, the attention weights of this token say how much each moment of the window contributes to it
(Won et al. 2019, arXiv:1906.04972). The weights of a window sum to 1, so they compare moments of a
window, not windows.
"""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from app.datasets.audio.cropping import FULL_SCALE
from app.domain import Samples, Scores
from app.errors import SetupError
from app.inference.features import make_stream
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.models import architectures
from app.store.manifest.manifest import Manifest
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store

BATCH_WINDOWS = 8
"""Bounds memory: the weights of all heads and tokens of a window take megabytes."""

SHARE = 0.1
"""The share of a window's moments that counts as those attended to most."""

Attention = npt.NDArray[np.float32]
"""(windows, moments), the mean over heads in multiples of even attention: 1 on average."""


@dataclass(frozen=True)
class Moment:
    """A stretch of a track, and its attention in multiples of even attention."""

    start_s: float
    end_s: float
    attention: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """The scores and the attention of a track's windows.

    Attributes:
        manifest: The model's manifest.
        times_s: The start of each window, in seconds.
        scores: (windows, tags).
        attention: See `Attention`.
    """

    manifest: Manifest
    times_s: list[float]
    scores: Scores
    attention: Attention

    @property
    def moment_s(self) -> float:
        """Return the length of a moment, in seconds."""
        return self.manifest.window_spec.window_s / float(self.attention.shape[1])

    def moments(self, window: int) -> list[Moment]:
        """Return the moments of a window that are attended to most, joined, the highest first."""
        row, length = self.attention[window], self.moment_s
        most = row >= np.quantile(row, 1 - SHARE)
        edges = np.flatnonzero(np.diff(most, prepend=False, append=False)).reshape(-1, 2)
        start = self.times_s[window]
        found = [
            Moment(start + first * length, start + last * length, float(row[first:last].mean()))
            for first, last in edges.tolist()
        ]
        return sorted(found, key=lambda moment: -moment.attention)

    def over_time(self) -> Samples:
        """Return the attention of the whole track, a value each `moment_s`.

        Where windows overlap, it is their mean.
        """
        starts = np.rint(np.array(self.times_s) / self.moment_s).astype(int)
        places = starts[:, np.newaxis] + np.arange(self.attention.shape[1])
        counts = np.bincount(places.ravel())
        sums = np.bincount(places.ravel(), self.attention.ravel())
        return (sums / np.maximum(counts, 1)).astype(np.float32)


class Explainer:
    """A published model, with its attention as another output.

    Attributes:
        manifest: The model's manifest.
    """

    def __init__(self, models: Store, manifest: Manifest) -> None:
        """Load the model, which takes seconds.

        Args:
            models: The store.
            manifest: The model's manifest.

        Raises:
            SetupError: The model does not match its manifest, or has no attention.
        """
        self.manifest = manifest
        _check_attention(manifest)
        self._network = _with_attention(load(models, self.manifest))
        self._extractor = TensorFlowFeatureExtractor(self.manifest.front_end)

    def explain(self, samples: npt.NDArray[np.int16]) -> Explanation:
        """Score a track, as its front end takes it, and read its attention."""
        track = samples.astype(np.float32) / np.float32(FULL_SCALE)
        stream = make_stream(self._extractor, [self.manifest.window_spec])
        scores, attention = [], []
        for _, piece in stream.pieces(track, complete=True):
            for start in range(0, len(piece), BATCH_WINDOWS):
                weights, scored = self._network(piece[start : start + BATCH_WINDOWS])
                scores.append(np.asarray(scored))
                attention.append(of_class_token(np.asarray(weights, np.float32)))
        times_s = self.manifest.window_spec.starts_s(len(track)).tolist()
        return Explanation(
            self.manifest, times_s, np.concatenate(scores), np.concatenate(attention)
        )


def of_class_token(weights: npt.NDArray[np.float32]) -> Attention:
    """Return what the class token attends to, without itself.

    (windows, heads, 1 + moments, 1 + moments) -> (windows, moments).
    """
    moments = weights[:, :, 0, 1:].mean(axis=1)
    even: Attention = moments / moments.mean(axis=1, keepdims=True)
    return even


def _check_attention(manifest: Manifest) -> None:
    known = architectures()
    name = manifest.architecture.name
    if name not in known or known[name].attention is None:
        able = ", ".join(each for each in known if known[each].attention)
        raise SetupError(
            f"{manifest.ref}: its architecture {name} has no attention over time to explain; "
            f"choose a model of one of {able}"
        )


def _with_attention(model: TrackModel) -> keras.Model:
    """Return the network with the outputs of its last attention over time, and its scores."""
    ending = architectures()[model.manifest.architecture.name].attention
    *_, last = (layer for layer in model.network.layers if layer.name.endswith(str(ending)))
    return keras.Model(model.network.input, [last.output, model.network.output])
