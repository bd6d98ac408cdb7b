"""Metrics of the first k curators that are recommended to each artist.

Average precision, NDCG and hit rate are those of trec_eval: a curator is relevant if it accepted,
the gain of NDCG is the score, average precision is divided by the number of relevant curators.
"""

from dataclasses import dataclass

import numpy as np

from app.recommender.data import AGREED, DECLINED, Floats, Indices, Mask, Platform
from app.recommender.metrics.outcomes import Outcomes
from app.recommender.metrics.quotient import Quotient
from app.recommender.similarity import unit_rows


@dataclass(frozen=True, eq=False)
class Recommendations:
    """The curators that a model recommends.

    Attributes:
        artists: Indices of artists, (rows,).
        curators: Indices of curators, best first, (rows, k).
    """

    artists: Indices
    curators: Indices


def ranking_metrics(
    recommended: Recommendations, outcomes: Outcomes, platform: Platform, k: int
) -> dict[str, Quotient]:
    """Return the metrics of the first k recommendations, by name without `@k`.

    `missed_shots`: of the recommended curators that were sent a track, the share that declined it.
    `sent`: how many recommended curators were sent a track. Of these: `rating`, the mean rating of
    their feedback, `contacts`, how many are in contact with the artist, and `viewed_s`, the mean
    time on their pages. Metrics whose columns the platform does not log are not defined.
    `acs`: the average cosine similarity of subgenres (thesis, equation 2.9).

    Args:
        recommended: At least k curators an artist, or all that there are.
        outcomes: What happened.
        platform: The tables.
        k: The number of recommendations.
    """
    artists, curators = recommended.artists, recommended.curators[:, :k]
    rows = outcomes.look_up(artists, curators)
    scores = outcomes.values("scores", rows)
    accepted = np.nan_to_num(scores) >= AGREED
    relevant = outcomes.relevant[artists]
    sent = (rows >= 0).sum(axis=1)
    declined = (scores == DECLINED).sum(axis=1)
    metrics = {
        "map": Quotient.mean(_average_precision(accepted, relevant)),
        "ndcg": Quotient.mean(_ndcg(np.nan_to_num(scores), outcomes.ideal_gains(artists, k))),
        "hit_rate": Quotient.mean(np.where(relevant > 0, accepted.any(axis=1), np.nan)),
        "missed_shots": Quotient(declined.astype(float), sent.astype(float)),
        "sent": Quotient.mean(sent.astype(float)),
        "acs": Quotient.mean(_similarity(platform, artists, curators)),
    }
    for name, column in (("rating", "ratings"), ("viewed_s", "viewed_s")):
        values = outcomes.values(column, rows)
        known = ~np.isnan(values)
        metrics[name] = Quotient(np.nansum(values, axis=1), known.sum(axis=1).astype(float))
    contacts = outcomes.values("in_contact", rows)
    is_logged = np.full(len(artists), float(outcomes.has("in_contact")))
    metrics["contacts"] = Quotient(np.nansum(contacts, axis=1), is_logged)
    return metrics


def personalisation(curators: Indices) -> float:
    """Return 1 - the mean share of recommendations that two artists have in common.

    Args:
        curators: The recommendations of artists, (rows, k), each curator once a row;
            the result is 0 for a single artist.
    """
    rows, k = curators.shape
    if rows < 2:  # noqa: PLR2004 - there is no pair
        return 0.0
    counts = np.bincount(curators.ravel()).astype(float)
    common = (counts * (counts - 1)).sum() / 2
    return float(1 - common / (rows * (rows - 1) / 2 * k))


def coverage(curators: Indices, count: int) -> float:
    """Return the share of the curators that are recommended to any artist.

    Args:
        curators: The recommendations, (rows, k).
        count: The number of curators.
    """
    return len(np.unique(curators)) / count


def _average_precision(accepted: Mask, relevant: Indices) -> Floats:
    """Return the average precision of each row, (rows,); NaN without a relevant curator."""
    ranks = np.arange(1, accepted.shape[1] + 1)
    precisions = np.cumsum(accepted, axis=1) / ranks
    summed = (precisions * accepted).sum(axis=1)
    values: Floats = np.divide(
        summed, relevant, out=np.full(len(summed), np.nan), where=relevant > 0
    )
    return values


def _ndcg(gains: Floats, ideal: Floats) -> Floats:
    """Return the NDCG of each row, (rows,); NaN without a gain to get."""
    discounts = 1 / np.log2(np.arange(ideal.shape[1]) + 2)
    best = ideal @ discounts
    got = gains @ discounts[: gains.shape[1]]
    values: Floats = np.divide(got, best, out=np.full(len(got), np.nan), where=best > 0)
    return values


def _similarity(platform: Platform, artists: Indices, curators: Indices) -> Floats:
    """Return the mean cosine of the subgenres of artists and of recommended curators, (rows,)."""
    chosen = unit_rows(platform.artists.subgenres[artists])
    liked = unit_rows(platform.curators.liked)
    cosines = np.einsum("as,aks->ak", chosen, liked[curators])
    means: Floats = cosines.mean(axis=1)
    return means
