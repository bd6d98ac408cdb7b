"""Figures with 95 % bootstrap intervals: tracks are resampled a thousand times.

Chunks of a track are not independent, so whole tracks are drawn. Nothing is copied: each track has
its number of draws as a weight. Intervals are percentiles of the draws (Efron and Tibshirani 1993,
An Introduction to the Bootstrap, chapter 13).
"""

from dataclasses import dataclass

import numpy as np

from app.domain import Scores
from app.evaluation.curve_areas import BootstrapCounts, RocPrAuc, roc_pr_auc
from app.evaluation.figures import Interval, Overall
from app.evaluation.metrics import Floats, Indices, Labels, cosines

DRAWS = 1_000
"""For songs: 2,000 of them with 80 tags take two seconds."""

CHUNK_DRAWS = 200
"""For chunks, which are many times more numerous."""

SEED = 20260101

TAILS = (2.5, 97.5)
"""In percent: 95 % lie between them."""


@dataclass(frozen=True, eq=False)
class LabeledScores:
    """Scores and labels.

    Attributes:
        y_true: Labels, (items, tags).
        scores: (items, tags).
        owners: (items,), the index of each item's track.
    """

    y_true: Labels
    scores: Scores
    owners: Indices


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures in each draw; the first is the tracks without resampling.

    Attributes:
        tags: Each tag's areas under curves.
        every: The same over all pairs of item and tag.
        cosine: (draws,), the mean over all items that have tags.
    """

    tags: tuple[RocPrAuc, ...]
    every: RocPrAuc
    cosine: Floats

    @property
    def roc_auc_macro(self) -> Floats:
        """The mean ROC-AUC over tags in each draw, (draws,)."""
        return _mean_over_tags([tag.roc for tag in self.tags])

    @property
    def pr_auc_macro(self) -> Floats:
        """The mean PR-AUC over tags in each draw, (draws,)."""
        return _mean_over_tags([tag.pr for tag in self.tags])

    @property
    def overall(self) -> Overall:
        """The figures over all tags, with intervals."""
        return Overall(
            roc_auc_macro=interval(self.roc_auc_macro),
            roc_auc_micro=interval(self.every.roc),
            pr_auc_macro=interval(self.pr_auc_macro),
            pr_auc_micro=interval(self.every.pr),
            cosine=interval(self.cosine),
        )


def draw_counts(tracks: int, draws: int = DRAWS, seed: int = SEED) -> BootstrapCounts:
    """Return how often each draw has each track, (rows, tracks): a row of ones, then the draws.

    Args:
        tracks: The number of tracks.
        draws: The number of draws.
        seed: Of the random draws.
    """
    random = np.random.RandomState(seed)
    counts = np.ones((1 + draws, tracks), np.uint8)  # no track is ever drawn 255 times
    for row in counts[1:]:
        row[:] = np.bincount(random.randint(tracks, size=tracks), minlength=tracks)
    return counts


def measure(labeled: LabeledScores, draws: BootstrapCounts) -> Measured:
    """Return all figures in all draws, (draws, tracks), of which the first is all ones."""
    columns = zip(labeled.y_true.T, labeled.scores.T, strict=True)
    pairs = labeled.owners.repeat(labeled.y_true.shape[1])
    return Measured(
        tuple(roc_pr_auc(labels, scores, draws, labeled.owners) for labels, scores in columns),
        roc_pr_auc(labeled.y_true.ravel(), labeled.scores.ravel(), draws, pairs),
        _mean_cosines(labeled, draws),
    )


def interval(figures: Floats) -> Interval:
    """Return a figure and its interval, from its values in the draws, (draws,), without NaNs."""
    if np.isnan(figures[0]):
        return Interval(value=None)
    known = figures[1:][~np.isnan(figures[1:])]
    low, high = np.percentile(known, TAILS) if len(known) else (None, None)
    return Interval(value=figures[0], low=low, high=high)


def _mean_over_tags(figures: list[Floats]) -> Floats:
    """Return the mean over the tags that a draw can measure, (draws,)."""
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
    """Divide; the result is NaN if the count is 0."""
    quotients: Floats = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return quotients
