"""A contextual bandit: re-orders the candidates of a recommender, and explores.

Thompson sampling with Bayesian linear regression (Agrawal and Goyal 2013, Thompson sampling for
contextual bandits with linear payoffs): the score of a pair is a linear function of its features
with normal noise, and the weights have a normal distribution. Each list is ordered by weights drawn
from it. So a curator is recommended as often as it is plausible that it belongs there: what is
uncertain is tried, and what is known to be bad is not.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from app.recommender.data import Floats, Indices
from app.recommender.models.base import Training
from app.recommender.models.pair_features import feature_scale, training_features

PRIOR_SPREAD = 0.3
"""The standard deviation of a weight before any interaction, in units of the score."""

NOISE = 0.4
"""The standard deviation of scores around their expectation; within 0..1 it is at most 0.5."""

DRAWS = 999
"""Draws of the weights that propensities are computed from, besides that of the list itself."""

TIE = 1e-9
"""Chance of this size orders curators with equal features."""


@dataclass(frozen=True, eq=False)
class ThompsonSampling:
    """The distribution of the weights: normal, with a mean and a precision matrix.

    Attributes:
        center: What is subtracted from the features, (features,).
        spread: What they are divided by afterwards, (features,).
        offset: The score of a pair whose features are `center`.
        mean: The mean of the weights, (features,).
        precision: The inverse of their covariance, (features, features).
    """

    center: Floats
    spread: Floats
    offset: float
    mean: Floats
    precision: Floats

    @classmethod
    def fit(cls, features: Floats, scores: Floats) -> "ThompsonSampling":
        """Return the distribution after interactions, of features that are standardised by them.

        Args:
            features: The features of the pairs, (n, features), n from 1.
            scores: What happened, or another target, (n,).
        """
        center, spread = feature_scale(features)
        size = features.shape[1]
        prior = cls(
            center=center,
            spread=spread,
            offset=float(scores.mean()),
            mean=np.zeros(size),
            precision=np.eye(size) / PRIOR_SPREAD**2,
        )
        return prior.update(features, scores)

    def update(self, features: Floats, scores: Floats) -> "ThompsonSampling":
        """Return the distribution after more interactions (Bishop 2006, equations 3.50 and 3.51).

        Args:
            features: The features of the pairs, (n, features).
            scores: What happened, or another target, (n,).
        """
        standard = self._standardise(features)
        precision = self.precision + standard.T @ standard / NOISE**2
        gained = standard.T @ (scores - self.offset) / NOISE**2
        mean = np.linalg.solve(precision, self.precision @ self.mean + gained)
        return replace(self, mean=mean.astype(float), precision=precision)

    def rerank(
        self, features: Floats, random: np.random.RandomState, k: int
    ) -> tuple[Indices, Floats]:
        """Order candidates by weights that are drawn once, and return the first k.

        The propensity of a curator, its probability of being among the first k, is the share of
        1 + `DRAWS` orders in which it is, the returned one among them. So it is never 0, and the
        expectation of 1 / propensity over the lists with the curator is exact, but for the factor
        1 - (1 - p) ** (1 + `DRAWS`), which matters only if p is below 1 / `DRAWS`.

        Args:
            features: The features of the candidates, (candidates, features).
            random: The source of random numbers, with its own seed for each request.
            k: The number of curators to return; with fewer candidates, all of them.

        Returns:
            The rows of the first k, best first, and their propensities; (k,) each.
        """
        k = min(k, len(features))
        scores = self._draw(random, 1 + DRAWS) @ self._standardise(features).T
        scores += TIE * random.uniform(size=scores.shape)
        order: Indices = np.argsort(-scores[0])[:k]
        if k == len(features):
            return order, np.ones(k)
        last = np.partition(scores, -k, axis=1)[:, -k, np.newaxis]
        propensities: Floats = (scores[:, order] >= last).mean(axis=0)
        return order, propensities

    def _standardise(self, features: Floats) -> Floats:
        standard: Floats = (features - self.center) / self.spread
        return standard

    def _draw(self, random: np.random.RandomState, count: int) -> Floats:
        """Draw weights, (count, features)."""
        # If the precision is L L', then the covariance of (L')^-1 z is its inverse.
        factor = np.linalg.cholesky(self.precision)
        noise = random.normal(size=(len(self.mean), count))
        drawn: Floats = self.mean + solve_triangular(factor.T, noise, lower=False).T
        return drawn


def fit_bandit(training: Training, *, has_tags: bool) -> ThompsonSampling:
    """Return the distribution after all interactions of the training data, by pair features.

    Args:
        training: What models are trained on.
        has_tags: Whether features of tags are among them.
    """
    features = training_features(training, training.tastes if has_tags else None)
    return ThompsonSampling.fit(features, training.target)


def is_positive_definite(matrix: Floats, least: float) -> bool:
    """Return whether a matrix is symmetric, and its eigenvalues are at least a positive number.

    Args:
        matrix: A square matrix.
        least: The number.
    """
    is_symmetric = np.allclose(matrix, matrix.T, rtol=1e-9, atol=0)
    return is_symmetric and bool(np.linalg.eigvalsh(matrix)[0] >= least)
