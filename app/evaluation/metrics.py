"""Metrics: cosine, accuracy at K, confusion, calibration, thresholds.

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

CALIBRATION_BINS = 15
"""As in Guo et al. 2017."""


class Accuracy(NamedTuple):
    """Shares of items for K = 1, 2, ..., (tags,) each.

    Attributes:
        every: All tags of the item are among the K highest scores (the thesis, 10.3).
        any: At least one tag of the item is among them (10.4).
    """

    every: Floats
    any: Floats


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
