"""Pools scores over time to one score a tag (thesis, section 10.2, multiple-instance learning)."""

from enum import StrEnum

import numpy as np

from app.domain import Samples, Scores

MAJORITY_RANKS = 5


class Pooling(StrEnum):
    """How the scores of windows become the score of the track."""

    MEAN = "mean"
    MAJORITY = "majority"
    SOFTMAX = "softmax"


def pool(scores: Scores, pooling: Pooling) -> Samples:
    """Pool scores, (windows, tags) within 0..1, to (tags,) float32 within 0..1.

    `mean`: the mean over time. `majority`: the share of windows in which the tag is among the five
    highest. `softmax`: the mean over time weighted by the softmax of the tag's scores, which
    favours the moments with high scores (McFee, Salamon & Bello 2018, arXiv:1804.10070).
    """
    match pooling:
        case Pooling.MEAN:
            mean: Samples = scores.mean(axis=0)
            return mean
        case Pooling.MAJORITY:
            ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
            share: Samples = (ranks < MAJORITY_RANKS).mean(axis=0, dtype=np.float32)
            return share
        case Pooling.SOFTMAX:
            weights = np.exp(scores - scores.max(axis=0))
            pooled: Samples = (weights * scores).sum(axis=0) / weights.sum(axis=0)
            return pooled
