"""Models and taggrams for tests of tagging: small, and with the tags and scores that they name."""

from collections.abc import Sequence

import numpy as np

from app.domain import Precision, Scores, Taggram, TaggramKey
from app.store.manifest.manifest import Confidence, Golden, Manifest, Tags, Weights
from app.store.manifest.training_results import BaseRates, TrainedVocabulary
from tests.support import tiny
from tests.support.peaks import SILENT

WINDOW_S = 3.0

PUBLISHED = Manifest(
    **dict(tiny.spec(version="3")),
    weights=Weights(file="weights.safetensors", sha256="0" * 64),
    golden=Golden(seed=1, seconds=1, tolerance=1e-5, mean_scores=(0.5, 0.5, 0.5)),
)


def model(
    name: str,
    tags: Sequence[str],
    vocabulary: str | None = None,
    *,
    family: str = "",
    rates: Sequence[float] = (),
    confidence: Confidence | None = None,
    **trained: object,
) -> Manifest:
    """A model with these tags, trained on a vocabulary if one is named."""
    about = {"name": vocabulary, "description": "New.", **trained}
    changes = {
        "name": name,
        "tags": Tags(family=family or name, names=tuple(tags)),
        "vocabulary": TrainedVocabulary.model_validate(about) if vocabulary else None,
        "base_rates": BaseRates(source="Counted.", rates=tuple(rates)) if rates else None,
        "confidence": confidence,
    }
    return PUBLISHED.model_copy(update=changes)


def taggram(
    of: Manifest,
    scores: Sequence[Sequence[float]] | Scores,
    *,
    hop_s: float = WINDOW_S,
    window_s: float = WINDOW_S,
    last_s: float | None = None,
) -> Taggram:
    """A track that does not fill its last window."""
    matrix = np.array(scores, np.float32)
    start_s = (len(matrix) - 1) * hop_s if last_s is None else last_s
    duration_s = start_s + window_s - 0.5
    key = TaggramKey("0" * 64, of.ref, Precision.FLOAT32)
    return Taggram(key, duration_s, window_s, hop_s, matrix, SILENT, last_s=last_s)


def taggram_of(of: Manifest, **by_tag: float) -> Taggram:
    """Two windows in which the named raw tags have these scores, and all others none."""
    scores = np.zeros((2, len(of.tags.names)), np.float32)
    for tag, score in by_tag.items():
        scores[:, of.tags.names.index(tag)] = score
    return taggram(of, scores)
