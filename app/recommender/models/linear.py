"""A linear model of a few features of each pair, with and without tag vectors.

It is small on purpose: its weights say what each feature adds, and the difference of the two
variants what tag vectors bring. In training, the features of an interaction are computed from the
curator's other interactions, as its own score would be in them otherwise.
"""

import numpy as np

from app.recommender.data import Floats, Indices, Interactions, Platform
from app.recommender.models.base import Tastes, Training
from app.recommender.models.baselines import best_of_styles, needed_tastes
from app.recommender.similarity import cosine_pairs, cosine_rows, unit_rows
from app.recommender.target import PRIOR, likes_all_penalty, match_of_others

RIDGE = 1.0
"""The penalty on squared weights of standardised features."""

STATED = ("acceptance rate", "liked subgenres", "disliked subgenres", "likes all", "same country")
TAGS = ("accepted tracks", "declined tracks")


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
        platform = self._platform = training.platform
        made = platform.interactions
        self.predicts_scores = bool(np.array_equal(training.target, made.scores))
        self._tastes: Tastes | None = None
        columns = [_rates_of_others(made, len(platform.curators.ids)), *_stated_pairs(platform)]
        if self._has_tags:
            self._tastes = needed_tastes(training, self.name)
            columns += _tag_pairs(training, self._tastes)
        features = np.stack(columns, axis=1)
        self._mean = features.mean(axis=0)
        spread = features.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._bias = float(training.target.mean())
        standard = (features - self._mean) / self._spread
        squares = standard.T @ standard + RIDGE * np.eye(standard.shape[1])
        self._weights = np.linalg.solve(squares, standard.T @ (training.target - self._bias))
        names = STATED + (TAGS if self._has_tags else ())
        self.weights = dict(zip(names, self._weights.tolist(), strict=True))
        self._rates = _rates(made, len(platform.curators.ids))

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        platform = self._platform
        chosen = platform.artists.subgenres[artists]
        countries = np.array(platform.artists.countries)[artists]
        same = _same_country(
            countries[:, np.newaxis], np.array(platform.curators.countries)[curators]
        )
        blocks = [
            self._rates[curators],
            cosine_rows(chosen, platform.curators.liked[curators]),
            cosine_rows(chosen, platform.curators.disliked[curators]),
            likes_all_penalty(platform.curators.liked[curators]),
            same,
        ]
        if self._tastes is not None:
            blocks += [
                best_of_styles(self._tastes, artists, unit_rows(side[curators]).T)
                for side in (self._tastes.accepted, self._tastes.declined)
            ]
        scores = np.full((len(artists), len(curators)), self._bias)
        for block, weight, mean, spread in zip(
            blocks, self._weights, self._mean, self._spread, strict=True
        ):
            scores += weight * (block - mean) / spread
        return scores


def _rates(made: Interactions, curators: int) -> Floats:
    """Return the mean score of each curator, shrunk to the mean of all, (curators,)."""
    answered = np.bincount(made.curators, minlength=curators)
    summed = np.bincount(made.curators, made.scores, curators)
    rates: Floats = (summed + PRIOR * made.scores.mean()) / (answered + PRIOR)
    return rates


def _rates_of_others(made: Interactions, curators: int) -> Floats:
    """Return the same for each interaction from the curator's others, (n,)."""
    answered = np.bincount(made.curators, minlength=curators)[made.curators] - 1
    summed = np.bincount(made.curators, made.scores, curators)[made.curators] - made.scores
    rates: Floats = (summed + PRIOR * made.scores.mean()) / (answered + PRIOR)
    return rates


def _stated_pairs(platform: Platform) -> list[Floats]:
    """Return what both sides state, for each interaction: all of `STATED` but the first."""
    made, curators = platform.interactions, platform.curators
    chosen = platform.artists.subgenres[made.artists]
    countries = np.array(platform.artists.countries)[made.artists]
    return [
        cosine_pairs(chosen, curators.liked[made.curators]),
        cosine_pairs(chosen, curators.disliked[made.curators]),
        likes_all_penalty(curators.liked)[made.curators],
        _same_country(countries, np.array(curators.countries)[made.curators]),
    ]


def _tag_pairs(training: Training, tastes: Tastes) -> list[Floats]:
    """Return the match with accepted and declined tracks, for each interaction."""
    made, count = training.platform.interactions, len(training.platform.curators.ids)
    return [
        match_of_others(made.curators, chosen, tastes.sent, count)
        for chosen in (made.accepted, made.declined)
    ]


def _same_country(left: np.ndarray, right: np.ndarray) -> Floats:
    """Return 1 where both are known and the same, otherwise 0."""
    same: Floats = ((left == right) & (left != "")).astype(float)
    return same
