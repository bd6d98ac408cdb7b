"""A metric as a quotient of sums over artists, with a bootstrap interval.

Interactions of one artist are not independent, so whole artists are drawn. Nothing is copied: each
artist has its number of draws as a weight. Intervals are percentiles of the draws (Efron and
Tibshirani 1993, An Introduction to the Bootstrap, chapter 13).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.recommender.data import Floats

DRAWS = 1_000
SEED = 20260101
TAILS = (2.5, 97.5)
"""In percent: 95 % lie between them."""

Weights = npt.NDArray[np.float32]
"""(1 + draws, artists): how often each draw has each artist; the first row is all ones."""


@dataclass(frozen=True, eq=False)
class Quotient:
    """A metric: the sum of `parts` by the sum of `counts`.

    Attributes:
        parts: What each artist adds above, (artists,).
        counts: What each artist adds below, (artists,); 0 if the metric is not defined for it.
        is_root: Whether the metric is the square root of the quotient.
    """

    parts: Floats
    counts: Floats
    is_root: bool = False

    @classmethod
    def mean(cls, values: Floats) -> "Quotient":
        """Return the mean over artists, of those whose value is not NaN."""
        known = ~np.isnan(values)
        return cls(np.where(known, values, 0.0), known.astype(float))

    def in_draws(self, weights: Weights) -> Floats:
        """Return the metric in each draw, (1 + draws,); NaN in draws where it is not defined."""
        parts, counts = weights @ self.parts, weights @ self.counts
        values: Floats = np.divide(parts, counts, out=np.full(len(parts), np.nan), where=counts > 0)
        return np.sqrt(values) if self.is_root else values


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Return whether the interval lies on one side of zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def draw_weights(artists: int, draws: int = DRAWS, seed: int = SEED) -> Weights:
    """Return how often each draw has each artist.

    Args:
        artists: The number of artists.
        draws: The number of draws.
        seed: Of the random draws.
    """
    random = np.random.RandomState(seed)
    weights = np.ones((1 + draws, artists), np.float32)
    for row in weights[1:]:
        row[:] = np.bincount(random.randint(artists, size=artists), minlength=artists)
    return weights


def interval(values: Floats) -> Interval:
    """Return a metric and its interval, from its values in the draws, without NaNs."""
    if np.isnan(values[0]):
        return Interval(None)
    known = values[1:][~np.isnan(values[1:])]
    if not len(known):
        return Interval(float(values[0]))
    low, high = np.percentile(known, TAILS)
    return Interval(float(values[0]), float(low), float(high))
