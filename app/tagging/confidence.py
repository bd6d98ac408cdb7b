"""Whether a track sounds like music that the models know, or like speech, tones or noise.

Each model keeps typical mean scores of noise, tones and speech, and a linear classifier of music
and what is not (`[confidence]` in its manifest, made by `make floor`). A track is doubted where it
lies within the radius of a kind of what is not music, and the classifier says that it is not music.
The classifier alone would doubt music of genres that it has not seen; they lie beyond the radii.
Distances are Hellinger's, between square roots of scores.
"""

from collections.abc import Sequence

import numpy as np

from app.domain import Confidence, Samples, Taggram
from app.store.manifest.manifest import Manifest
from app.store.manifest.typical import Confidence as Typical

TINY = 1e-9
"""Keeps a track that equals a typical one from a logarithm of 0."""

OFFSET = 0.01
"""The classifier takes logarithms of scores plus this: which of two tiny ones is larger means
little."""


def judge(models: Sequence[Manifest], taggrams: Sequence[Taggram]) -> Confidence:
    """Judge a track by the mean margin of the models that can tell; `unknown` without any."""
    margins = [
        compute_margin(model.confidence, taggram.scores.mean(axis=0))
        for model, taggram in zip(models, taggrams, strict=True)
        if model.confidence
    ]
    if not margins:
        return Confidence.UNKNOWN
    return Confidence.HIGH if np.mean(margins) > 0 else Confidence.LOW


def compute_margin(typical: Typical, means: Samples) -> float:
    """Return how far mean scores, (tags,), are from what is not music; doubted where negative."""
    arrays = typical.arrays
    squared = np.square(arrays.typical - np.sqrt(means)).sum(axis=1) + TINY
    beyond = np.log((squared / arrays.radii**2).min())
    log_odds = arrays.weights @ np.log(means + OFFSET) + typical.bias
    return float(max(beyond, log_odds))
