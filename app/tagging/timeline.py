"""Selects the windows and tags of a taggram to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.domain import Samples, Scores
from app.errors import Kind, RequestError
from app.tagging.pooling import Pooling, pool
from app.tagging.projection import Row, VocabularyScores


@dataclass(frozen=True, eq=False)
class Timeline:
    """Scores over time.

    Attributes:
        times_s: The start of each window, in seconds.
        window_s: Length of a window, in seconds.
        hop_s: Time between the starts of two windows, in seconds; the last may start earlier.
        rows: The tags, by descending pooled score.
        scores: (windows, tags) float32, in time order.
        mean_scores: (tags,) float32, over these windows.
        pooled_scores: (tags,) float32, over these windows.
    """

    times_s: list[float]
    window_s: float
    hop_s: float
    rows: tuple[Row, ...]
    scores: Scores
    mean_scores: Samples
    pooled_scores: Samples


def select_timeline(
    scored: VocabularyScores,
    *,
    pooling: Pooling,
    top: int | None,
    start_s: float,
    end_s: float | None,
) -> Timeline:
    """Select windows by time, and sort tags by their pooled scores.

    Args:
        scored: The whole track's scores.
        pooling: How the scores of windows become the score that tags are sorted by; `majority`
            ranks each tag among all tags.
        top: The most tags to return; None for all.
        start_s: Leave out windows that end at or before this time, in seconds.
        end_s: Leave out windows that start at or after this time, in seconds; None for the end of
            the track.

    Returns:
        The scores, (windows, tags), of the selected windows and tags.

    Raises:
        RequestError: `invalid_parameter` if no window is left.
    """
    grid = scored.grid
    times_s = grid.starts_s
    inside = times_s + grid.window_s > start_s
    if end_s is not None:
        inside &= times_s < end_s
    if not inside.any():
        raise RequestError(
            Kind.INVALID_PARAMETER,
            f"No window lies between start_s and end_s. The track has {grid.duration_s:.1f} s; "
            "choose times within it.",
        )
    scores = scored.scores[inside]
    pooled = pool(scores, pooling)
    order = np.argsort(-pooled, kind="stable")[:top]
    return Timeline(
        [round(float(time_s), 3) for time_s in times_s[inside]],
        grid.window_s,
        grid.hop_s,
        tuple(scored.rows[tag] for tag in order),
        scores[:, order],
        scores.mean(axis=0)[order],
        pooled[order],
    )


def window_edges(times_s: Sequence[float], window_s: float) -> list[float]:
    """Return the edges of windows in a picture, in seconds; overlapping windows meet halfway.

    Args:
        times_s: The start of each window, in seconds.
        window_s: The length of a window, in seconds.
    """
    between = ((one + window_s + next_) / 2 for one, next_ in pairwise(times_s))
    return [times_s[0], *between, times_s[-1] + window_s]


def format_time(seconds: float) -> str:
    """Return a time as minutes and seconds, such as 1:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
