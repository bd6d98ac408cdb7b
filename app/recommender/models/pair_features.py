"""Features of pairs of artist and curator, which several models share.

The features of an interaction to train on are computed from the curator's other interactions, as
its own score would be in them otherwise.
"""

import numpy as np

from app.recommender.data import Floats, Indices, Interactions, Platform
from app.recommender.models.base import Tastes, Training
from app.recommender.models.baselines import best_of_styles
from app.recommender.similarity import cosine_pairs, cosine_rows, unit_rows
from app.recommender.target import PRIOR, likes_all_penalty, match_of_others

STATED = ("acceptance rate", "liked subgenres", "disliked subgenres", "likes all", "same country")
TAGS = ("accepted tracks", "declined tracks")


class PairFeatures:
    """The features, with or without those of tag vectors.

    Attributes:
        names: Their names.
    """

    def __init__(self, training: Training, tastes: Tastes | None) -> None:
        """Compute what the features of all pairs share.

        Args:
            training: What models are trained on.
            tastes: Its tag vectors; None to leave out features of tags.
        """
        self.names = STATED + (TAGS if tastes is not None else ())
        self._training, self._tastes = training, tastes
        self._platform = training.platform
        self._rates = _rates(self._platform.interactions, len(self._platform.curators.ids))

    def of_training(self) -> Floats:
        """Return the features of the interactions to train on, (n, features)."""
        platform, count = self._platform, len(self._platform.curators.ids)
        made = platform.interactions
        columns = [_rates_of_others(made, count), *_stated_pairs(platform)]
        if self._tastes is not None:
            columns += [
                match_of_others(made.curators, chosen, self._tastes.sent, count)
                for chosen in (made.accepted, made.declined)
            ]
        return np.stack(columns, axis=1)

    def of(self, artists: Indices, curators: Indices) -> list[Floats]:
        """Return each feature of all pairs, (artists, curators).

        Of an artist with several styles, the one that fits best counts.

        Args:
            artists: Indices of artists.
            curators: Indices of curators.
        """
        platform = self._platform
        chosen = platform.artists.subgenres[artists]
        countries = np.array(platform.artists.countries)[artists]
        same = _same_country(
            countries[:, np.newaxis], np.array(platform.curators.countries)[curators]
        )
        shape = len(artists), len(curators)
        liked = platform.curators.liked[curators]
        features = [
            np.broadcast_to(self._rates[curators], shape),
            cosine_rows(chosen, liked),
            cosine_rows(chosen, platform.curators.disliked[curators]),
            np.broadcast_to(likes_all_penalty(liked), shape),
            same,
        ]
        if self._tastes is not None:
            features += [
                best_of_styles(self._tastes, artists, unit_rows(side[curators]).T)
                for side in (self._tastes.accepted, self._tastes.declined)
            ]
        return features


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


def _same_country(left: np.ndarray, right: np.ndarray) -> Floats:
    """Return 1 where both are known and the same, otherwise 0."""
    same: Floats = ((left == right) & (left != "")).astype(float)
    return same
