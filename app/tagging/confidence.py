"""Whether a track sounds like music that the models know, or like speech, tones or noise.

Each model keeps typical mean scores of what is not music, and of music (see `[confidence]` in its
manifest, made by `make floor`). A track is doubted where it is near the first and nearer to them
than to the second: music of other genres than those of the typical tracks is near to neither, and
is not doubted. Distances are Hellinger's, between square roots of scores.
"""

from collections.abc import Sequence

import numpy as np

from app.domain import Confidence, Samples, Taggram
from app.store.manifest import Confidence as Prototypes
from app.store.manifest import Manifest

TINY = 1e-9
"""Keeps a track that equals a prototype from a logarithm of 0."""


def judge(models: Sequence[Manifest], taggrams: Sequence[Taggram]) -> Confidence:
    """Judge a track by the mean margin of the models with typical scores; `unknown` without any."""
    margins = [
        margin(model.confidence, taggram.scores.mean(axis=0))
        for model, taggram in zip(models, taggrams, strict=True)
        if model.confidence
    ]
    if not margins:
        return Confidence.UNKNOWN
    return Confidence.HIGH if np.mean(margins) > 0 else Confidence.LOW


def margin(prototypes: Prototypes, means: Samples) -> float:
    """How far mean scores, (tags,), are from those of what is not music; doubted where negative."""
    other = _squared_distance(prototypes.not_music, means)
    music = _squared_distance(prototypes.music, means)
    return float(np.log(other / min(prototypes.radius**2, music)))


def _squared_distance(prototypes: Sequence[Sequence[float]], means: Samples) -> float:
    """To the nearest of them."""
    differences = np.sqrt(np.asarray(prototypes)) - np.sqrt(means)
    return float(np.square(differences).sum(axis=1).min()) + TINY
