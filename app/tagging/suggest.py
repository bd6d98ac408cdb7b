"""Selects the best tags of a track, with the moments that support them."""

from collections.abc import Iterator, Sequence

import numpy as np

from app.domain import Samples, Stretch, Suggestion, Taggram
from app.tagging.pooling import Pooling, pool
from app.tagging.projection import Projection

MAX_STRETCHES = 3
SHARE_OF_PEAK = 0.5
"""The share of a tag's maximum odds, score / (1 - score), that a stretch must reach. It is a share
of odds because a lift near 1 hardly changes with the raw score."""

ALMOST_1 = 1 - 1e-6
"""The limit of scores for odds: a score of 1 would have infinite odds."""


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
        projection: The vocabulary, mapped to the models.
        taggrams: The taggrams of these models, in their order.
        pooling: How the scores of windows become the score of the track.
        top_k: The most tags to suggest.
        threshold: The lowest score of a suggested tag.

    Returns:
        The suggestions by descending score; equal scores in the vocabulary's order.
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
            find_stretches(scored.scores[:, tag], scored.grid),
        )
        for tag in best
        if pooled[tag] >= threshold
    )


def suggest_pooled(
    projection: Projection,
    tracks: Sequence[Sequence[Taggram]],
    *,
    pooling: Pooling,
    top_k: int,
    threshold: float,
) -> tuple[Suggestion, ...]:
    """Suggest the tags that score best on the mean over several tracks.

    A genre counts as 0 on a track for which its subgenres are suggested in its place.

    Args:
        projection: The vocabulary, mapped to the models.
        tracks: For each track the taggrams of these models, in their order; at least one track.
        pooling: How the scores of windows become the score of a track.
        top_k: The most tags to suggest.
        threshold: The lowest score of a suggested tag.

    Returns:
        The suggestions, without moments, by descending score; equal scores in the vocabulary's
        order.
    """
    index = {row.name: number for number, row in enumerate(projection.rows)}
    scores = np.zeros((len(tracks), len(index)), np.float32)
    for of_track, taggrams in zip(scores, tracks, strict=True):
        scored = projection.score(taggrams)
        of_track[[index[row.name] for row in scored.rows]] = pool(scored.scores, pooling)
    means = scores.mean(axis=0)
    best = np.argsort(-means, kind="stable")[:top_k]
    rows = [projection.rows[tag] for tag in best if means[tag] >= threshold]
    label = projection.vocabulary.label
    return tuple(
        Suggestion(row.name, label(row.name), row.level, float(means[index[row.name]]), ())
        for row in rows
    )


def find_stretches(scores: Samples, grid: Taggram) -> tuple[Stretch, ...]:
    """Return stretches in which a tag has at least half of its maximum odds, best first.

    Args:
        scores: The tag's scores, (windows,).
        grid: A taggram with the same windows, for their times.

    Returns:
        At most `MAX_STRETCHES`, with times in seconds.
    """
    limited = np.minimum(scores, ALMOST_1)
    odds = limited / (1 - limited)
    starts_s = grid.starts_s
    stretches = [
        Stretch(
            start_s=float(starts_s[first]),
            end_s=min(float(starts_s[last - 1]) + grid.window_s, grid.duration_s),
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
