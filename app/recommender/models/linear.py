"""A linear model of a few features of each pair, with and without tag vectors.

It is small on purpose: its weights say what each feature adds, and the difference of the two
variants what tag vectors bring.
"""

import numpy as np

from app.recommender.data import Floats, Indices
from app.recommender.models.base import Training
from app.recommender.models.baselines import needed_tastes
from app.recommender.models.pair_features import PairFeatures

RIDGE = 1.0
"""The penalty on squared weights of standardised features."""


class Linear:
    """Ridge regression of the target on features of pairs.

    Attributes:
        name: The name of the variant.
        predicts_scores: Whether the target was what happened, without shifts.
        weights: By feature, in units of the target for a standard deviation of the feature; empty
            before training.
    """

    def __init__(self, *, has_tags: bool) -> None:
        """Choose the features.

        Args:
            has_tags: Whether tag vectors are among them.
        """
        self.predicts_scores = True
        self._has_tags = has_tags
        self.name = "linear-tags" if has_tags else "linear"
        self.weights: dict[str, float] = {}

    def fit(self, training: Training) -> None:
        """Fit the weights.

        Raises:
            SetupError: Tag vectors are needed, and there are none.
        """
        self.predicts_scores = bool(
            np.array_equal(training.target, training.platform.interactions.scores)
        )
        tastes = needed_tastes(training, self.name) if self._has_tags else None
        self._features = PairFeatures(training, tastes)
        features = self._features.of_training()
        self._mean: Floats = features.mean(axis=0)
        spread: Floats = features.std(axis=0)
        self._spread: Floats = np.where(spread > 0, spread, 1.0)
        self._bias = float(training.target.mean())
        standard: Floats = (features - self._mean) / self._spread
        self._weights = solve_ridge(standard, training.target - self._bias)
        self.weights = dict(zip(self._features.names, self._weights.tolist(), strict=True))

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        blocks = self._features.of(artists, curators)
        scores: Floats = np.full((len(artists), len(curators)), self._bias)
        for block, weight, mean, spread in zip(
            blocks, self._weights, self._mean, self._spread, strict=True
        ):
            scores += weight * (block - mean) / spread
        return scores


def solve_ridge(features: Floats, values: Floats) -> Floats:
    """Return the weights of a linear model, (features,).

    Args:
        features: Standardised features, (n, features).
        values: What it is fitted to, with a mean of 0, (n,).
    """
    squares = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.linalg.solve(squares, features.T @ values).astype(float)
