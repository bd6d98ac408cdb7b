"""A sequential baseline: what comes after the curators of an artist's last campaign."""

import numpy as np
from scipy import sparse

from app.recommender.data import Floats, Indices
from app.recommender.models.base import Training
from app.recommender.models.neighbours import TIE, fitted_popularity

LAST = 5
"""The latest interactions of an artist that count."""

DECAY = 0.8
"""The weight of an interaction relative to the one after it."""


class Sequential:
    """A chain of first order: the curators that others went to after the artist's last ones.

    Each of the last interactions of an artist votes for the curators that accepted a track of an
    artist whose interaction before was with the same curator.
    """

    name = "sequential"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Count the steps from one curator to the next, weighted by the score of the next."""
        made, platform = training.platform.interactions, training.platform
        artists, curators = len(platform.artists.ids), len(platform.curators.ids)
        self._popularity = fitted_popularity(training)
        order = np.lexsort((made.at, made.artists))
        who, what, scores = made.artists[order], made.curators[order], made.scores[order]
        is_step = who[1:] == who[:-1]
        steps = sparse.csr_array(
            (scores[1:][is_step], (what[:-1][is_step], what[1:][is_step])),
            shape=(curators, curators),
        )
        left = np.bincount(what[:-1][is_step], minlength=curators)
        self._steps = (sparse.diags_array(1 / np.maximum(left, 1.0)) @ steps).tocsr()
        ends = np.searchsorted(who, who, "right")
        age = ends - 1 - np.arange(len(who))
        is_last = age < LAST
        self._last = sparse.csr_array(
            (DECAY ** age[is_last].astype(float), (who[is_last], what[is_last])),
            shape=(artists, curators),
        )

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        votes: Floats = (self._last[artists] @ self._steps[:, curators]).toarray()
        votes += TIE * self._popularity.score(artists, curators)
        return votes
