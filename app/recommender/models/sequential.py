"""A baseline of sequences: which curators accept in the campaign after one to these curators."""

import numpy as np
from scipy import sparse

from app.recommender.data import UNKNOWN, Floats, Indices, Interactions
from app.recommender.models.base import Training
from app.recommender.models.neighbours import NEIGHBOURS, TIE, fitted_popularity, keep_largest

GAP = np.timedelta64(14, "D")
"""Answers that are further apart belong to different campaigns."""

DECAY = 0.5
"""The weight of a campaign in that of the next one, when an artist's last campaigns are added."""


class Sequential:
    """A first-order Markov chain of campaigns.

    A campaign is what an artist sent of one track without a long pause. Artists without campaigns
    get the most popular curators.
    """

    name = "sequential"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Count which curators accept in the campaign after each curator's."""
        self._popularity = fitted_popularity(training)
        platform = training.platform
        made, shape = platform.interactions, (len(platform.artists.ids), len(platform.curators.ids))
        order = np.lexsort((made.at, made.artists))
        made = made.take(order)
        campaigns = number_campaigns(made)
        count = int(campaigns[-1]) + 1 if len(made) else 0
        accepted = sparse.csr_array(
            (made.scores, (campaigns, made.curators)), shape=(count, shape[1])
        )
        owners = np.zeros(count, np.int64)
        owners[campaigns] = made.artists
        self._following = _following(accepted, owners)
        last = np.searchsorted(owners, owners, "right") - 1
        weights = DECAY ** (last - np.arange(count))
        decayed = sparse.csr_array((weights, (owners, np.arange(count))), shape=(shape[0], count))
        self._recent = (decayed @ accepted).tocsr()

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        matched: Floats = (self._recent[artists] @ self._following[:, curators]).toarray()
        matched += TIE * self._popularity.score(artists, curators)
        return matched


def number_campaigns(made: Interactions) -> Indices:
    """Return the number of the campaign of each interaction, from 0, (n,).

    Args:
        made: The interactions, by artist and then by time.
    """
    is_new = np.diff(made.artists) != 0
    is_known = (made.tracks[1:] != UNKNOWN) & (made.tracks[:-1] != UNKNOWN)
    is_new |= is_known & (np.diff(made.tracks) != 0)
    is_new |= np.diff(made.at) > GAP
    numbers: Indices = np.append(0, np.cumsum(is_new))[: len(made)]
    return numbers


def _following(accepted: sparse.csr_array, owners: Indices) -> sparse.csr_array:
    """Return how often each curator accepts after another, (curators before, curators after).

    It is divided as a cosine is, so that popular curators don't follow all others.

    Args:
        accepted: The scores of each campaign, (campaigns, curators).
        owners: The artist of each campaign, ascending, (campaigns,).
    """
    before = np.flatnonzero(np.diff(owners) == 0)
    counts = (accepted[before].T @ accepted[before + 1]).tocsr()
    sums = np.sqrt(accepted.multiply(accepted).sum(axis=0))
    scale = sparse.diags_array(1 / np.maximum(sums, np.finfo(float).tiny))
    return keep_largest((scale @ counts @ scale).tocsr(), NEIGHBOURS)
