"""From a vocabulary's scores over time to the few tags worth suggesting, with their moments."""

from collections.abc import Iterator, Sequence

import numpy as np

from app.domain import Samples, Stretch, Suggestion, Taggram
from app.tagging.pooling import Pooling, pool
from app.tagging.projection import Projection

MAX_STRETCHES = 3
SHARE_OF_PEAK = 0.5
"""Of the odds, score / (1 - score): near 1 a lift hardly moves where a raw score does."""

ALMOST_1 = 1 - 1e-6
"""Scores above it would have infinite odds."""


def suggest(
    projection: Projection,
    taggrams: Sequence[Taggram],
    *,
    pooling: Pooling,
    top_k: int,
    threshold: float,
) -> tuple[Suggestion, ...]:
    """Suggest the best tags.

    Args:
        projection: The vocabulary on the models that were asked.
        taggrams: What these models heard, in their order.
        pooling: How windows become a track.
        top_k: At most so many tags.
        threshold: None that scores less.

    Returns:
        By falling score; equal ones in the vocabulary's order.
    """
    scored = projection.score(taggrams)
    pooled = pool(scored.scores, pooling)
    best = np.argsort(-pooled, kind="stable")[:top_k]
    return tuple(
        Suggestion(
            scored.rows[tag].name,
            projection.vocabulary.label(scored.rows[tag].name),
            scored.rows[tag].level,
            float(pooled[tag]),
            heard_at(scored.scores[:, tag], scored.grid),
        )
        for tag in best
        if pooled[tag] >= threshold
    )


def heard_at(scores: Samples, grid: Taggram) -> tuple[Stretch, ...]:
    """The stretches in which a tag holds at least half of its best odds, (windows,), best first."""
    limited = np.minimum(scores, ALMOST_1)
    odds = limited / (1 - limited)
    stretches = [
        Stretch(
            start_s=first * grid.hop_s,
            end_s=min((last - 1) * grid.hop_s + grid.window_s, grid.duration_s),
            score=float(scores[first:last].mean()),
        )
        for first, last in _runs(odds >= SHARE_OF_PEAK * odds.max())
    ]
    return tuple(sorted(stretches, key=lambda stretch: -stretch.score)[:MAX_STRETCHES])


def _runs(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield each run of True as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2):
        yield int(first), int(last)
