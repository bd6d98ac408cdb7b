"""Rankings as policies: the probability that each curator is among the first k."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from app.recommender.data import Floats, Indices

STEPS = 60
"""Halvings of the interval that holds a root."""

LARGE = 5.0
"""1 - exp(-exp(5)) is 1 in float64."""


@dataclass(frozen=True)
class RankingPolicy:
    """Recommends k curators by their scores: the highest ones, or drawn ones.

    With a temperature T, a curator with the score s is recommended with the probability
    1 - exp(-exp(s / T + u)), where u makes the expected number k. These are the probabilities of
    drawing k curators one after the other by the softmax of their scores, in the limit of many
    curators (Rosen 1972, Asymptotic theory for successive sampling). Lists are drawn so that the
    probabilities are exact, by systematic sampling (Madow 1949).

    Attributes:
        k: The number of recommendations, from 1.
        temperature: T, in units of the scores; 0 recommends the highest scores.
    """

    k: int
    temperature: float = 0.0

    def probabilities(self, scores: Floats) -> Floats:
        """Return the probability that each curator is recommended, (artists, curators).

        Those of an artist sum to k, or to the number of curators that may be recommended.

        Args:
            scores: (artists, curators), at least one curator; -inf for curators that must not be
                recommended.
        """
        possible = np.isfinite(scores)
        if self.k >= scores.shape[1]:
            return possible.astype(float)
        if self.temperature:
            return self._soft(scores, possible)
        chosen = np.zeros(scores.shape)
        best = np.argsort(-scores, axis=1, kind="stable")[:, : self.k]
        np.put_along_axis(chosen, best, 1.0, axis=1)
        return chosen * possible

    def draw(
        self, scores: Floats, random: np.random.RandomState
    ) -> Iterator[tuple[Indices, Floats]]:
        """Draw the lists of some artists.

        Args:
            scores: (artists, curators), -inf for curators that must not be recommended.
            random: The source of random numbers.

        Yields:
            For each artist the curators, the highest score first, and the probability of each to be
            in the list.
        """
        for row, probabilities in zip(scores, self.probabilities(scores), strict=True):
            order = random.permutation(len(row))
            sums = np.cumsum(probabilities[order])
            size = round(float(sums[-1]))
            marks = (np.arange(size) + random.uniform()) * sums[-1] / max(size, 1)
            drawn = order[np.searchsorted(sums, marks, "right")]
            by_score = drawn[np.argsort(-row[drawn], kind="stable")]
            yield by_score, probabilities[by_score]

    def _soft(self, scores: Floats, possible: np.ndarray) -> Floats:
        """Return the probabilities with a temperature; u is found by halving its interval."""
        utilities = scores / self.temperature
        # A bound below: the probabilities are below exp(s / T + u). Above: k + 1 of them are 1.
        low = np.log(self.k) - logsumexp(utilities, axis=1)
        high = LARGE - np.partition(utilities, -self.k - 1, axis=1)[:, -self.k - 1]
        has_choice = possible.sum(axis=1) > self.k
        low, high = (np.where(has_choice, each, 0.0)[:, np.newaxis] for each in (low, high))
        utilities[~has_choice] = np.where(possible[~has_choice], np.inf, -np.inf)
        for _ in range(STEPS):
            middle = (low + high) / 2
            is_low = _included(utilities + middle).sum(axis=1, keepdims=True) < self.k
            low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
        return _included(utilities + high)


def _included(utilities: Floats) -> Floats:
    """Return 1 - exp(-exp(u)), exact for small values too."""
    included: Floats = -np.expm1(-np.exp(np.minimum(utilities, LARGE)))
    return included
