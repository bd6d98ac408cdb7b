"""How well scores meet tags: areas under curves, ranks, confusions, calibration, thresholds.

Each function is about the same two arrays, as scored and as it is; items are tracks or chunks.
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
"""(draws, tracks): how often a draw counts each track; see `app.evaluation.bootstrap`."""

CALIBRATION_BINS = 15
"""As Guo et al. 2017 have them."""

_CELLS = 2**24
"""Of (draws, values) at a time, which bounds memory to a few hundred megabytes."""


class RocPrAuc(NamedTuple):
    """Areas under curves, (draws,) each; NaN where a draw has no positives, or no negatives.

    Attributes:
        roc: Under the receiver operating characteristic, ties counted half.
        pr: Average precision: under the steps of precision over recall.
    """

    roc: Floats
    pr: Floats


class Accuracy(NamedTuple):
    """Shares of items for K = 1, 2, ..., (tags,) each.

    Attributes:
        every: All tags of the item are among the K highest scores (the thesis, 10.3).
        any: At least one of them is (10.4).
    """

    every: Floats
    any: Floats


def roc_pr_auc(hits: Labels, scores: Scores, draws: BootstrapCounts, owners: Indices) -> RocPrAuc:
    """Areas under both curves, in each draw.

    Args:
        hits: (values,), what is true.
        scores: (values,), of any size: only their order counts.
        draws: How often each track counts.
        owners: (values,), the track that each value belongs to.
    """
    ranking = _Ranking.of(hits, scores, owners)
    at_once = max(1, _CELLS // len(hits))
    parts = [
        _areas(ranking, draws[first : first + at_once]) for first in range(0, len(draws), at_once)
    ]
    return RocPrAuc(*map(np.concatenate, zip(*parts, strict=True)))


def cosines(y_true: Labels, scores: Scores) -> Floats:
    """The cosine of each item's scores and tags, (items,); NaN where it has no tags."""
    dots = (scores * y_true).sum(axis=1, dtype=np.float64)
    lengths = np.sqrt(y_true.sum(axis=1) * np.square(scores, dtype=np.float64).sum(axis=1))
    similarities = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return np.where(y_true.any(axis=1), similarities, np.nan)


def accuracy_at_k(y_true: Labels, scores: Scores) -> Accuracy:
    """Whether tags are among the K highest, for each K.

    Items without tags are left out. Of equal scores the first tag comes first, as in suggestions.
    """
    tagged = y_true.any(axis=1)
    ranks = np.argsort(np.argsort(-scores[tagged], axis=1, kind="stable"), axis=1)
    last = np.where(y_true[tagged], ranks, -1).max(axis=1)
    first = np.where(y_true[tagged], ranks, y_true.shape[1]).min(axis=1)
    k = np.arange(1, y_true.shape[1] + 1)[:, np.newaxis]
    return Accuracy((last < k).mean(axis=1), (first < k).mean(axis=1))


def confusion(y_true: Labels, scores: Scores) -> Floats:
    """Which scores the items of a tag get (the thesis, 10.2): (predicted, true).

    Each column sums to 1, or is of zeros where no item has the tag.
    """
    sums = scores.T.astype(np.float64) @ y_true
    totals = sums.sum(axis=0)
    shares: Floats = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return shares


def calibration(y_true: Labels, scores: Scores) -> Calibration:
    """Whether scores are probabilities, over all pairs of item and tag."""
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1).ravel()
    counts = np.bincount(bins)
    held = counts > 0
    means = np.bincount(bins, scores.ravel())[held] / counts[held]
    shares = np.bincount(bins, y_true.ravel())[held] / counts[held]
    return Calibration(
        scores=tuple(means.tolist()),
        frequencies=tuple(shares.tolist()),
        counts=tuple(counts[held].tolist()),
        expected_error=float(np.average(np.abs(means - shares), weights=counts[held])),
    )


def threshold(hits: Labels, scores: Scores, precision: float) -> float | None:
    """The lowest score from which on so many are right; none where no score gives that.

    Args:
        hits: (items,), whether they have the tag.
        scores: (items,), the tag's.
        precision: Wished, above 0 and at most 1.
    """
    if not hits.any():
        return None
    precisions, _, thresholds = precision_recall_curve(hits, scores)
    enough = np.flatnonzero(precisions[:-1] >= precision)
    return float(thresholds[enough[0]]) if len(enough) else None


class _Ranking(NamedTuple):
    """Values by falling score, and where among them the scores lie that a positive has.

    Attributes:
        owners: (values,), whose each is.
        hits: Where the positives are.
        above: How many values lie above each of these scores.
        through: How many lie at or above it.
        hits_above: The same of positives.
        hits_through: The same of positives.
    """

    owners: Indices
    hits: Indices
    above: Indices
    through: Indices
    hits_above: Indices
    hits_through: Indices

    @classmethod
    def of(cls, hits: Labels, scores: Scores, owners: Indices) -> "_Ranking":
        order = np.argsort(-scores, kind="stable")
        falling, where = -scores[order], np.flatnonzero(hits[order])
        levels = np.unique(falling[where])
        above = np.searchsorted(falling, levels, "left")
        through = np.searchsorted(falling, levels, "right")
        hits_above, hits_through = np.searchsorted(where, above), np.searchsorted(where, through)
        return cls(owners[order], where, above, through, hits_above, hits_through)


def _areas(ranking: _Ranking, draws: BootstrapCounts) -> RocPrAuc:
    counts = np.take(draws, ranking.owners, axis=1)
    running, hit = _running(counts), _running(counts[:, ranking.hits])
    hits, misses = hit[:, -1].astype(float), (running[:, -1] - hit[:, -1]).astype(float)
    above, through = running[:, ranking.above], running[:, ranking.through]
    hit_above, hit_through = hit[:, ranking.hits_above], hit[:, ranking.hits_through]
    gained = hit_through - hit_above
    better = misses[:, np.newaxis] - (above - hit_above + through - hit_through) / 2
    precision = hit_through / np.maximum(through, 1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is what can't be measured
        roc = (gained * better).sum(axis=1) / (hits * misses)
        pr = (gained * precision).sum(axis=1) * misses / (hits * misses)
    return RocPrAuc(roc, pr)


def _running(counts: BootstrapCounts) -> npt.NDArray[np.int32]:
    """Sums of the first 0, 1, ... of each row: whole numbers, so exact."""
    sums = np.zeros((counts.shape[0], counts.shape[1] + 1), np.int32)
    np.cumsum(counts, axis=1, dtype=np.int32, out=sums[:, 1:])
    return sums
