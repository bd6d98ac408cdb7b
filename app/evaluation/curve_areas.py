"""Areas under the curves of ROC and of precision over recall, in all bootstrap draws at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.domain import Scores
from app.evaluation.metrics import Floats, Indices, Labels

BootstrapCounts = npt.NDArray[np.uint8]
"""(draws, tracks): how often a draw has each track; see `app.evaluation.bootstrap`."""

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
