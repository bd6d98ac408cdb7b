"""Measure how well the songs of each two tags are separated."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.domain import Scores
from app.evaluation.bootstrap import draw_counts, interval
from app.evaluation.curve_areas import roc_pr_auc
from app.evaluation.figures import Interval
from app.probing.examples import Examples
from app.probing.probe import song_scores

CHANCE = 0.5


@dataclass(frozen=True)
class Pair:
    """Two tags, and how well their songs are separated.

    Attributes:
        first: One tag.
        second: The other.
        separation: The ROC-AUC of the difference of their scores over the songs with one of them;
            artists are resampled for its interval.
    """

    first: str
    second: str
    separation: Interval

    @property
    def is_separated(self) -> bool:
        """Whether the separation is significantly better than chance."""
        return self.separation.low is not None and self.separation.low > CHANCE


def measure_separation(examples: Examples, scores: Sequence[Scores]) -> tuple[Pair, ...]:
    """Return all pairs of tags, the least separated first.

    Args:
        examples: With the labels.
        scores: Out-of-fold scores of each song, (windows, tags).
    """
    songs = song_scores(scores)
    columns = combinations(range(len(examples.tags)), 2)
    found = [_pair(examples, songs, first, second) for first, second in columns]
    return tuple(sorted(found, key=lambda pair: pair.separation.value or 0))


def _pair(examples: Examples, songs: Scores, first: int, second: int) -> Pair:
    has, other = examples.y_true[:, first], examples.y_true[:, second]
    either = has != other
    separation = Interval(value=None)
    if (has & either).any() and (other & either).any():
        artists, owners = np.unique(examples.artists[either], return_inverse=True)
        differences = (songs[:, first] - songs[:, second])[either]
        separation = interval(
            roc_pr_auc(has[either], differences, draw_counts(len(artists)), owners).roc
        )
    return Pair(examples.tags[first], examples.tags[second], separation)
