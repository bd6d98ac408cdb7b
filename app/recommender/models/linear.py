"""A linear model of a few features of each pair, with and without tag vectors.

It is small on purpose: its weights say what each feature adds, and the difference of the two
variants what tag vectors bring.
"""

import numpy as np

from app.recommender.data import Floats
from app.recommender.models.base import Tastes, Training
from app.recommender.models.content import ArtistContent, Which
from app.recommender.models.content_model import ContentModel, Parameters, check_shapes
from app.recommender.models.pair_features import (
    feature_names,
    feature_scale,
    pair_features,
    training_features,
)
from app.recommender.similarity import Matrix

RIDGE = 1.0
"""The penalty on squared weights of standardised features."""


class Linear(ContentModel):
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
        self.has_tags = has_tags
        self.name = "linear-tags" if has_tags else "linear"
        self.weights: dict[str, float] = {}

    def score_content(self, artists: ArtistContent, curators: Which) -> Matrix:
        """See `ContentModel`."""
        blocks = pair_features(artists, self.profiles, curators, has_tags=self.has_tags)
        scores: Floats = np.full(blocks[0].shape, self._bias)
        for block, weight, mean, spread in zip(
            blocks, self._weights, self._mean, self._spread, strict=True
        ):
            scores += weight * (block - mean) / spread
        return scores

    def parameters(self) -> Parameters:
        """See `ContentModel`."""
        return {
            "weights": self._weights,
            "mean": self._mean,
            "spread": self._spread,
            "bias": np.array([self._bias]),
        }

    def _fit(self, training: Training, tastes: Tastes | None) -> None:
        """Fit the weights."""
        self.predicts_scores = bool(
            np.array_equal(training.target, training.platform.interactions.scores)
        )
        features = training_features(training, tastes)
        self._mean, self._spread = feature_scale(features)
        self._bias = float(training.target.mean())
        standard: Floats = (features - self._mean) / self._spread
        self._weights = solve_ridge(standard, training.target - self._bias)
        names = feature_names(has_tags=self.has_tags)
        self.weights = dict(zip(names, self._weights.tolist(), strict=True))

    def _restore(self, parameters: Parameters) -> None:
        names = feature_names(has_tags=self.has_tags)
        vectors = dict.fromkeys(("weights", "mean", "spread"), (len(names),))
        check_shapes(parameters, {**vectors, "bias": (1,)})
        self._weights, self._mean = parameters["weights"], parameters["mean"]
        self._spread, self._bias = parameters["spread"], float(parameters["bias"][0])
        self.weights = dict(zip(names, self._weights.tolist(), strict=True))


def solve_ridge(features: Floats, values: Floats) -> Floats:
    """Return the weights of a linear model, (features,).

    Args:
        features: Standardised features, (n, features).
        values: What it is fitted to, with a mean of 0, (n,).
    """
    squares = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.linalg.solve(squares, features.T @ values).astype(float)
