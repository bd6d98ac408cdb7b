"""Metrics of the order of the curators that an artist contacted.

Curators that were not contacted may be just as good. In a ranking of all curators they count as
wrong, so that a model gains by repeating which curators artists contact. Among the contacted ones
(Sakai 2007, condensed lists) it gains by what they answer. Equal scores share their places.
"""

import numpy as np

from app.recommender.data import AGREED, Floats, Indices, Mask
from app.recommender.metrics.quotient import Quotient


def contacted_metrics(
    predicted: Floats, scores: Floats, artists: Indices, count: int
) -> dict[str, Quotient]:
    """Return NDCG and the area under the ROC curve of each artist's interactions.

    `ndcg_sent`: NDCG of all contacted curators, with scores as gains. `auc_sent`: the share of
    pairs of an accepted and another track that are ordered rightly, equal ones counted half.

    Args:
        predicted: A model's scores of interactions, (n,); only their order matters.
        scores: What happened, (n,).
        artists: The artist of each, (n,).
        count: The number of artists.
    """
    order = np.lexsort((-predicted, artists))
    by_place, owners = predicted[order], artists[order]
    starts = np.searchsorted(owners, np.arange(count))
    places = np.arange(len(order)) - starts[owners]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (np.diff(by_place) != 0) | (np.diff(owners) != 0)
    ties = np.cumsum(is_new) - 1
    members = np.bincount(ties)
    gains = (np.bincount(ties, scores[order]) / members)[ties]
    got = np.bincount(owners, gains / np.log2(places + 2), count)
    ideal_order = np.lexsort((-scores, artists))
    best = np.bincount(owners, scores[ideal_order] / np.log2(places + 2), count)
    mean_places = (np.bincount(ties, places) / members)[ties]
    return {
        "ndcg_sent": Quotient.mean(
            np.divide(got, best, out=np.full(count, np.nan), where=best > 0)
        ),
        "auc_sent": Quotient.mean(_areas(mean_places, scores[order] >= AGREED, owners, count)),
    }


def _areas(places: Floats, accepted: Mask, artists: Indices, count: int) -> Floats:
    """Return the area under each artist's ROC curve, (artists,); NaN with one kind of answer."""
    total = np.bincount(artists, minlength=count)
    positives = np.bincount(artists[accepted], minlength=count)
    pairs = positives * (total - positives)
    # The places below each accepted one, without those of other accepted ones.
    below = np.bincount(artists[accepted], (total[artists] - 1 - places)[accepted], count)
    right = below - positives * (positives - 1) / 2
    areas: Floats = np.divide(right, pairs, out=np.full(count, np.nan), where=pairs > 0)
    return areas
