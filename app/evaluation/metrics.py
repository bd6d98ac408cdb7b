"""Metrics: areas under curves, accuracy at K, confusion, calibration, thresholds.

Each function takes labels and scores; items are tracks or chunks.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve

from app.domain import Scores
from app.evaluation.figures import Calibration

Labels = npt.NDArray[np.bool_]
"""(items, tags): whether an item has a tag."""

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BootstrapCounts = npt.NDArray[np.uint8]
"""(draws, tracks): how often a draw has each track; see `app.evaluation.bootstrap`."""

CALIBRATION_BINS = 15
"""As in Guo et al. 2017."""

_CELLS = 2**24
"""The size of (draws, values) processed at a time, which limits memory to a few 100 MB."""


class RocPrAuc(NamedTuple):
    """Areas under curves, (draws,) each; NaN for draws without positives or without negatives.

    Attributes:
        roc: Under the receiver operating characteristic, with ties counted half.
        pr: Average precision: under the step function of precision over recall.
    """

    roc: Floats
    pr: Floats


class Accuracy(NamedTuple):
    """Shares of items for K = 1, 2, ..., (tags,) each.

    Attributes:
        every: All tags of the item are among the K highest scores (the thesis, 10.3).
        any: At least one tag of the item is among them (10.4).
    """

    every: Floats
    any: Floats


def roc_pr_auc(labels: Labels, scores: Scores, draws: BootstrapCounts, owners: Indices) -> RocPrAuc:
    """Return the areas under both curves in each draw.

    Args:
        labels: (values,).
        scores: (values,); only their order matters.
        draws: How often each draw has each track, (draws, tracks).
        owners: (values,), the index of each value's track.
    """
    ranking = _Ranking.of(labels, scores, owners)
    at_once = max(1, _CELLS // len(labels))
    parts = [
        _areas(ranking, draws[first : first + at_once]) for first in range(0, len(draws), at_once)
    ]
    return RocPrAuc(*map(np.concatenate, zip(*parts, strict=True)))


def cosines(y_true: Labels, scores: Scores) -> Floats:
    """Return the cosine of each item's scores and labels, (items,); NaN if it has no tags."""
    dots = (scores * y_true).sum(axis=1, dtype=np.float64)
    lengths = np.sqrt(y_true.sum(axis=1) * np.square(scores, dtype=np.float64).sum(axis=1))
    similarities = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return np.where(y_true.any(axis=1), similarities, np.nan)


def accuracy_at_k(y_true: Labels, scores: Scores) -> Accuracy:
    """Return the share of items whose tags are among the K highest scores, for each K.

    Items without tags are left out. Equal scores are ranked by the tags' order, as in suggestions.

    Args:
        y_true: Labels, (items, tags).
        scores: (items, tags).
    """
    tagged = y_true.any(axis=1)
    ranks = np.argsort(np.argsort(-scores[tagged], axis=1, kind="stable"), axis=1)
    last = np.where(y_true[tagged], ranks, -1).max(axis=1)
    first = np.where(y_true[tagged], ranks, y_true.shape[1]).min(axis=1)
    k = np.arange(1, y_true.shape[1] + 1)[:, np.newaxis]
    return Accuracy((last < k).mean(axis=1), (first < k).mean(axis=1))


def confusion(y_true: Labels, scores: Scores) -> Floats:
    """Return the mean scores of each tag's items (the thesis, 10.2), (predicted, true).

    Each column sums to 1, or is 0 if no item has the tag.
    """
    sums = scores.T.astype(np.float64) @ y_true
    totals = sums.sum(axis=0)
    shares: Floats = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return shares


def calibration(y_true: Labels, scores: Scores) -> Calibration:
    """Compare scores with frequencies, over all pairs of item and tag.

    Args:
        y_true: Labels, (items, tags).
        scores: (items, tags), 0 to 1.

    Returns:
        The bins with scores, and the expected calibration error.
    """
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1).ravel()
    counts = np.bincount(bins)
    filled = counts > 0
    means = np.bincount(bins, scores.ravel())[filled] / counts[filled]
    shares = np.bincount(bins, y_true.ravel())[filled] / counts[filled]
    return Calibration(
        scores=tuple(means.tolist()),
        frequencies=tuple(shares.tolist()),
        counts=tuple(counts[filled].tolist()),
        expected_error=float(np.average(np.abs(means - shares), weights=counts[filled])),
    )


def threshold(labels: Labels, scores: Scores, precision: float) -> float | None:
    """Return the lowest threshold that reaches a precision, or None if none does.

    Args:
        labels: (items,), whether they have the tag.
        scores: (items,), the tag's.
        precision: The target, above 0 and at most 1.
    """
    if not labels.any():
        return None
    precisions, _, thresholds = precision_recall_curve(labels, scores)
    enough = np.flatnonzero(precisions[:-1] >= precision)
    return float(thresholds[enough[0]]) if len(enough) else None


class _Ranking(NamedTuple):
    """Values by decreasing score, and the distinct scores of positives.

    Attributes:
        owners: (values,), the index of each value's track.
        positives: (positives,), the ranks of the positives.
        above: (levels,), the number of values above each distinct score.
        through: (levels,), the number of values at or above it.
        positives_above: (levels,), the number of positives above it.
        positives_through: (levels,), the number of positives at or above it.
    """

    owners: Indices
    positives: Indices
    above: Indices
    through: Indices
    positives_above: Indices
    positives_through: Indices

    @classmethod
    def of(cls, labels: Labels, scores: Scores, owners: Indices) -> "_Ranking":
        """Rank values by score.

        Args:
            labels: (values,).
            scores: (values,).
            owners: (values,), the index of each value's track.
        """
        order = np.argsort(-scores, kind="stable")
        falling, ranks = -scores[order], np.flatnonzero(labels[order])
        levels = np.unique(falling[ranks])
        above = np.searchsorted(falling, levels, "left")
        through = np.searchsorted(falling, levels, "right")
        counts = np.searchsorted(ranks, above), np.searchsorted(ranks, through)
        return cls(owners[order], ranks, above, through, *counts)


def _areas(ranking: _Ranking, draws: BootstrapCounts) -> RocPrAuc:
    counts = np.take(draws, ranking.owners, axis=1)
    running, positive = _cumulative(counts), _cumulative(counts[:, ranking.positives])
    positives = positive[:, -1].astype(float)
    negatives = (running[:, -1] - positive[:, -1]).astype(float)
    above, through = running[:, ranking.above], running[:, ranking.through]
    positive_above = positive[:, ranking.positives_above]
    positive_through = positive[:, ranking.positives_through]
    gained = positive_through - positive_above
    below = negatives[:, np.newaxis] - (above - positive_above + through - positive_through) / 2
    precision = positive_through / np.maximum(through, 1)
    with np.errstate(invalid="ignore"):  # 0 / 0 without positives or negatives
        roc = (gained * below).sum(axis=1) / (positives * negatives)
        pr = (gained * precision).sum(axis=1) * negatives / (positives * negatives)
    return RocPrAuc(roc, pr)


def _cumulative(counts: BootstrapCounts) -> npt.NDArray[np.int32]:
    """Return the sums of the first 0, 1, ... of each row; integers, so they are exact."""
    sums = np.zeros((counts.shape[0], counts.shape[1] + 1), np.int32)
    np.cumsum(counts, axis=1, dtype=np.int32, out=sums[:, 1:])
    return sums
