"""Scores over time to one score a tag (the thesis's section 10.2 on multiple instances)."""

from enum import StrEnum

import numpy as np

from app.domain import Samples, Scores

MAJORITY_RANKS = 5


class Pooling(StrEnum):
    """How the windows' scores become the track's."""

    MEAN = "mean"
    MAJORITY = "majority"
    SOFTMAX = "softmax"


def pool(scores: Scores, pooling: Pooling) -> Samples:
    """Pool (windows, tags) to (tags,), within 0..1.

    `mean`: the mean over time. `majority`: the share of windows in which the tag is among the five
    highest. `softmax`: the mean over time weighted by the softmax of the tag's own scores, which
    favours the moments where it is heard.
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
