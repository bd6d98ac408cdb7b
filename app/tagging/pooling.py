"""Pools scores over time to one score a tag (thesis, section 10.2, multiple-instance learning)."""

from enum import StrEnum

import numpy as np

from app.domain import Samples, Scores

MAJORITY_K = 5
"""The number of tags that each window votes for in `majority`; the thesis does not state one."""


class Pooling(StrEnum):
    """How the scores of windows become the score of the track."""

    MEAN = "mean"
    MAJORITY = "majority"
    MAJORITY_TOP1 = "majority_top1"
    SOFTMAX = "softmax"
    SOFTMAX_TAGS = "softmax_tags"


def pool(scores: Scores, pooling: Pooling) -> Samples:
    """Pool scores, (windows, tags) within 0..1, to (tags,) float32 within 0..1.

    `mean`: the mean over time. `majority`: the share of windows in which the tag is among the five
    highest. `majority_top1`: the share of windows in which it is the highest. `softmax`: the mean
    over time weighted by the softmax of the tag's scores, which favours the moments with high
    scores (McFee, Salamon & Bello 2018, arXiv:1804.10070). `softmax_tags`: the thesis's equation
    10.5 as it is written, the softmax over the tags of each window, and then the mean over time.
    """
    match pooling:
        case Pooling.MEAN:
            mean: Samples = scores.mean(axis=0)
            return mean
        case Pooling.MAJORITY:
            return majority(scores, MAJORITY_K)
        case Pooling.MAJORITY_TOP1:
            return majority(scores, 1)
        case Pooling.SOFTMAX:
            weights = np.exp(scores - scores.max(axis=0))
            pooled: Samples = (weights * scores).sum(axis=0) / weights.sum(axis=0)
            return pooled
        case Pooling.SOFTMAX_TAGS:
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            shares: Samples = (powers / powers.sum(axis=1, keepdims=True)).mean(axis=0)
            return shares


def majority(scores: Scores, k: int) -> Samples:
    """Return the share of windows in which each tag is among the `k` highest, (tags,) float32.

    Equal scores are ranked by the tags' order.

    Args:
        scores: (windows, tags).
        k: The number of tags that each window votes for, at least 1.
    """
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    share: Samples = (ranks < k).mean(axis=0, dtype=np.float32)
    return share
