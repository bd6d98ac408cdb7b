"""A part of a taggram for showing: some windows, some tags, in order."""

from dataclasses import dataclass

import numpy as np

from app.domain import Samples, Scores
from app.errors import Kind, RequestError
from app.tagging.pooling import Pooling, pool
from app.tagging.projection import Row, VocabularyScores


@dataclass(frozen=True, eq=False)
class Timeline:
    """Scores over time.

    Attributes:
        times_s: When each window starts.
        window_s: Length of a window.
        hop_s: Time between two windows' starts.
        rows: By falling pooled score.
        scores: (windows, tags), rows in time order.
        mean_scores: (tags,), over these windows.
        pooled_scores: (tags,), over these windows.
    """

    times_s: list[float]
    window_s: float
    hop_s: float
    rows: tuple[Row, ...]
    scores: Scores
    mean_scores: Samples
    pooled_scores: Samples


def timeline(
    scored: VocabularyScores,
    *,
    pooling: Pooling,
    top: int | None,
    start_s: float,
    end_s: float | None,
) -> Timeline:
    """Cut and sort.

    Args:
        scored: The whole track's scores.
        pooling: How windows become the score that tags are sorted by; ranks are those among all
            tags.
        top: Only so many tags.
        start_s: Leave out windows that end at or before.
        end_s: Leave out windows that start at or after.

    Raises:
        RequestError: `invalid_parameter` where no window is left.
    """
    grid = scored.grid
    times_s = np.arange(len(scored.scores)) * grid.hop_s
    inside = times_s + grid.window_s > start_s
    if end_s is not None:
        inside &= times_s < end_s
    if not inside.any():
        raise RequestError(
            Kind.INVALID_PARAMETER,
            f"No window lies between start_s and end_s; the track lasts {grid.duration_s:.1f} s.",
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


def clock_time(seconds: float) -> str:
    """Minutes and seconds, as 1:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
