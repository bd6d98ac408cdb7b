"""Decides whether a track resembles music that the models know, or speech, tones or noise.

Each model has typical mean scores of noise, tones and speech, and a linear classifier of music
against these (`[confidence]` in its manifest, created by `make floor`). Confidence is low if the
track lies within the radius of a kind of audio that is not music, and the classifier does not find
it to be music. The classifier alone would reject music of genres that it has not seen, which lies
beyond the radii. Distances are Hellinger distances, between square roots of scores.
"""

from collections.abc import Sequence

import numpy as np

from app.domain import Confidence, Samples, Taggram
from app.store.manifest.manifest import Manifest
from app.store.manifest.typical import Confidence as Typical

TINY = 1e-9
"""Avoids the logarithm of 0 for a track that equals a typical one."""

OFFSET = 0.01
"""Added to scores before the classifier takes logarithms, so that differences between tiny scores
have little effect."""


def judge(models: Sequence[Manifest], taggrams: Sequence[Taggram]) -> Confidence:
    """Return the confidence in a track by the mean margin of the models; `unknown` without margins.

    Args:
        models: The models.
        taggrams: The taggram of each model, in the same order.
    """
    margins = [
        compute_margin(model.confidence, taggram.scores.mean(axis=0))
        for model, taggram in zip(models, taggrams, strict=True)
        if model.confidence
    ]
    if not margins:
        return Confidence.UNKNOWN
    return Confidence.HIGH if np.mean(margins) > 0 else Confidence.LOW


def compute_margin(typical: Typical, means: Samples) -> float:
    """Return the margin of mean scores, (tags,), from audio that is not music; negative within.

    Args:
        typical: The typical scores of audio that is not music, and the classifier.
        means: (tags,) float32, the mean scores of a track.
    """
    arrays = typical.arrays
    squared = np.square(arrays.typical - np.sqrt(means)).sum(axis=1) + TINY
    distance = np.log((squared / arrays.radii**2).min())
    log_odds = arrays.weights @ np.log(means + OFFSET) + typical.bias
    return float(max(distance, log_odds))
