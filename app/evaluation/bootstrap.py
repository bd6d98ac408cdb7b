"""Figures with 95 % intervals: the tracks are drawn anew, with repetitions, a thousand times.

Chunks of a track are no independent witnesses, so it is always tracks that are drawn. Nothing is
copied: each track counts as often as it was drawn. An interval is that between two percentiles of
the draws (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13).
"""

from dataclasses import dataclass

import numpy as np

from app.domain import Scores
from app.evaluation.figures import Interval, Overall
from app.evaluation.metrics import (
    BootstrapCounts,
    Floats,
    Indices,
    Labels,
    RocPrAuc,
    cosines,
    roc_pr_auc,
)

DRAWS = 1_000
"""For songs: 2,000 of them with 80 tags take two seconds."""

CHUNK_DRAWS = 200
"""For chunks, of which there are many times more."""

SEED = 20260101

TAILS = (2.5, 97.5)
"""In per cent: between them lie 95 %."""


@dataclass(frozen=True, eq=False)
class LabeledScores:
    """Scores and what is true.

    Attributes:
        y_true: (items, tags).
        scores: (items, tags).
        owners: (items,), the track that each item belongs to.
    """

    y_true: Labels
    scores: Scores
    owners: Indices


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures in each draw, of which the first is the tracks as they are.

    Attributes:
        tags: Each tag's areas under curves.
        every: The same over all pairs of item and tag.
        cosine: (draws,), the mean over all items that have tags.
    """

    tags: tuple[RocPrAuc, ...]
    every: RocPrAuc
    cosine: Floats

    @property
    def overall(self) -> Overall:
        """Over all tags."""
        return Overall(
            roc_auc_macro=interval(_mean_over_tags([tag.roc for tag in self.tags])),
            roc_auc_micro=interval(self.every.roc),
            pr_auc_macro=interval(_mean_over_tags([tag.pr for tag in self.tags])),
            pr_auc_micro=interval(self.every.pr),
            cosine=interval(self.cosine),
        )


def drawn(tracks: int, draws: int = DRAWS, seed: int = SEED) -> BootstrapCounts:
    """How often each draw counts each track: (1 + draws, tracks), first the tracks as they are."""
    random = np.random.RandomState(seed)
    counts = np.ones((1 + draws, tracks), np.uint8)  # no track is ever drawn 255 times
    for row in counts[1:]:
        row[:] = np.bincount(random.randint(tracks, size=tracks), minlength=tracks)
    return counts


def measured(labeled: LabeledScores, draws: BootstrapCounts) -> Measured:
    """All figures in all draws."""
    columns = zip(labeled.y_true.T, labeled.scores.T, strict=True)
    pairs = labeled.owners.repeat(labeled.y_true.shape[1])
    return Measured(
        tuple(roc_pr_auc(hits, scores, draws, labeled.owners) for hits, scores in columns),
        roc_pr_auc(labeled.y_true.ravel(), labeled.scores.ravel(), draws, pairs),
        _mean_cosines(labeled, draws),
    )


def interval(figures: Floats) -> Interval:
    """A figure and its interval, from (draws,) of it; draws that lack it are left out."""
    if np.isnan(figures[0]):
        return Interval(value=None)
    known = figures[1:][~np.isnan(figures[1:])]
    low, high = np.percentile(known, TAILS) if len(known) else (None, None)
    return Interval(value=figures[0], low=low, high=high)


def _mean_over_tags(figures: list[Floats]) -> Floats:
    """(draws,), over those tags that a draw can measure."""
    known = ~np.isnan(figures)
    sums, counts = np.where(known, figures, 0).sum(axis=0), known.sum(axis=0)
    return _quotients(sums, counts)


def _mean_cosines(labeled: LabeledScores, draws: BootstrapCounts) -> Floats:
    similarities = cosines(labeled.y_true, labeled.scores)
    known = ~np.isnan(similarities)
    tracks, owners = draws.shape[1], labeled.owners[known]
    sums = draws.astype(np.float64) @ np.bincount(owners, similarities[known], tracks)
    counts = draws @ np.bincount(owners, minlength=tracks)
    return _quotients(sums, counts)


def _quotients(sums: Floats, counts: Indices) -> Floats:
    """NaN where there is nothing to be divided by."""
    quotients: Floats = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return quotients
