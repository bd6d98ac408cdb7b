"""Evaluates models on the time after their training, by slices of artists and curators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.recommender.data import Floats, Indices, Interactions, Mask
from app.recommender.metrics.contacted import contacted_metrics
from app.recommender.metrics.outcomes import Outcomes
from app.recommender.metrics.quotient import Interval, Quotient, draw_weights, interval
from app.recommender.metrics.ranking import (
    Recommendations,
    coverage,
    personalisation,
    ranking_metrics,
)
from app.recommender.metrics.rating import rating_metrics
from app.recommender.models.base import Recommender
from app.recommender.split import Split, check_no_future

KS = (5, 10, 20)
ROWS = 512
"""Artists that are scored at a time."""

ALL, WARM, COLD_ARTISTS, COLD_CURATORS = "all", "warm artists", "cold artists", "cold curators"


@dataclass(frozen=True, eq=False)
class Figure:
    """A metric of a model in a slice.

    Attributes:
        model: The model's name.
        slice: The slice's name.
        metric: The metric's name, such as `ndcg@10`.
        interval: The value and its interval.
        draws: The value in each bootstrap draw, for differences of models; None for metrics of
            whole lists, which have no interval.
    """

    model: str
    slice: str
    metric: str
    interval: Interval
    draws: Floats | None


@dataclass(frozen=True, eq=False)
class _Scored:
    """What a model says of the interactions to evaluate on.

    Attributes:
        interactions: The interactions.
        predicted: The scores of their pairs, (n,).
        recommended: The best curators for each of their artists, who are ascending.
    """

    interactions: Interactions
    predicted: Floats
    recommended: Recommendations

    def take(self, part: Mask) -> "_Scored":
        """Return a part of the interactions, (n,), and the recommendations for its artists."""
        test = self.interactions.take(part)
        artists = np.unique(test.artists)
        rows = np.searchsorted(self.recommended.artists, artists)
        recommended = Recommendations(artists, self.recommended.curators[rows])
        return _Scored(test, self.predicted[part], recommended)


def make_slices(split: Split, test: Interactions) -> dict[str, Mask]:
    """Return the slices that have interactions: all, warm and cold artists, cold curators.

    Args:
        split: The interactions before, which say who is cold.
        test: The interactions to evaluate on.

    Returns:
        By name, which of the interactions are in a slice, (n,).
    """
    cold = split.cold_artists[test.artists]
    slices = {
        ALL: np.ones(len(test), bool),
        WARM: ~cold,
        COLD_ARTISTS: cold,
        COLD_CURATORS: split.cold_curators[test.curators],
    }
    return {name: part for name, part in slices.items() if part.any()}


def evaluate(model: Recommender, split: Split, ks: Sequence[int] = KS) -> list[Figure]:
    """Return the metrics of a trained model in all slices.

    Curators that the artist contacted before are not recommended, and don't count as outcomes.

    Args:
        model: The model, trained on `split.platform`.
        split: The interactions.
        ks: The numbers of recommendations.

    Raises:
        SetupError: The training data is from the time of the evaluation.
    """
    check_no_future(split.train, split.test)
    test = split.test.take(~_are_known(split))
    scored = _score(model, split, test, max(ks))
    return [
        figure
        for name, part in make_slices(split, test).items()
        for figure in _evaluate_slice(model, split, name, scored.take(part), ks)
    ]


def difference(one: Figure, other: Figure) -> Interval:
    """Return how much a model is above another, with an interval over the same draws.

    Args:
        one: A figure of the one.
        other: The same metric and slice of the other.
    """
    assert one.draws is not None  # noqa: S101 - only metrics with intervals are compared
    assert other.draws is not None  # noqa: S101 - the same
    return interval(one.draws - other.draws)


def _score(model: Recommender, split: Split, test: Interactions, k: int) -> _Scored:
    """Score all curators for the artists of the interactions, some artists at a time."""
    artists = np.unique(test.artists)
    curators = np.arange(len(split.platform.curators.ids))
    predicted = np.zeros(len(test))
    best = np.empty((len(artists), min(k, len(curators))), np.int64)
    for start in range(0, len(artists), ROWS):
        some = artists[start : start + ROWS]
        scores = model.score(some, curators).astype(float)
        of_test, rows = rows_of(some, test.artists)
        predicted[of_test] = scores[rows, test.curators[of_test]]
        of_train, rows = rows_of(some, split.train.artists)
        scores[rows, split.train.curators[of_train]] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")
        best[start : start + ROWS] = order[:, : best.shape[1]]
    return _Scored(test, predicted, Recommendations(artists, best))


def rows_of(some: Indices, artists: Indices) -> tuple[Indices, Indices]:
    """Return the interactions whose artists are among some, and the place of each there.

    Args:
        some: Indices of artists, ascending, at least one.
        artists: The artist of each interaction, (n,).
    """
    places = np.minimum(np.searchsorted(some, artists), len(some) - 1)
    found = np.flatnonzero(some[places] == artists)
    return found, places[found]


def _evaluate_slice(
    model: Recommender, split: Split, name: str, scored: _Scored, ks: Sequence[int]
) -> Iterator[Figure]:
    platform, test = split.platform, scored.interactions
    count = len(platform.artists.ids), len(platform.curators.ids)
    outcomes = Outcomes(test, *count)
    top = scored.recommended
    rows = np.searchsorted(top.artists, test.artists)
    metrics: dict[str, Quotient] = {}
    for k in ks:
        ranking = ranking_metrics(top, outcomes, platform, k)
        metrics |= {f"{metric}@{k}": quotient for metric, quotient in ranking.items()}
    metrics |= contacted_metrics(scored.predicted, test.scores, rows, len(top.artists))
    if model.predicts_scores:
        metrics |= rating_metrics(scored.predicted, test.scores, rows, len(top.artists))
    weights = draw_weights(len(top.artists))
    for metric, quotient in metrics.items():
        draws = quotient.in_draws(weights)
        yield Figure(model.name, name, metric, interval(draws), draws)
    for k in ks:
        shown = top.curators[:, :k]
        whole = {"coverage": coverage(shown, count[1]), "personalisation": personalisation(shown)}
        for metric, value in whole.items():
            yield Figure(model.name, name, f"{metric}@{k}", Interval(value), None)


def _are_known(split: Split) -> Mask:
    """Return which interactions to evaluate on are of pairs that have one in training, (n,)."""
    count, train, test = len(split.platform.curators.ids), split.train, split.test
    known: Mask = np.isin(
        test.artists * count + test.curators, train.artists * count + train.curators
    )
    return known
