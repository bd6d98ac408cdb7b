"""Ranking metrics, compared with ir-measures and with loops over the definitions."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from app.recommender.data import AGREED, Interactions, Platform
from app.recommender.metrics.outcomes import Outcomes
from app.recommender.metrics.quotient import Quotient
from app.recommender.metrics.ranking import (
    Recommendations,
    coverage,
    personalisation,
    ranking_metrics,
)
from app.recommender.simulation.simulate import Simulation

K = 10


@pytest.fixture(scope="module")
def ranked(simulation: Simulation) -> tuple[Platform, Outcomes, Recommendations, np.ndarray]:
    """Rank all curators by a noisy guess, for the artists with interactions."""
    platform = simulation.platform
    artists, curators = len(platform.artists.ids), len(platform.curators.ids)
    outcomes = Outcomes(platform.interactions, artists, curators)
    random = np.random.RandomState(0)
    scores = random.normal(size=(artists, curators))
    made = platform.interactions
    scores[made.artists, made.curators] += made.scores + 1
    rated = np.unique(outcomes.artists)
    order = np.argsort(-scores[rated], axis=1)
    return platform, outcomes, Recommendations(rated, order), scores


def value(metric: Quotient) -> float:
    return float(metric.parts.sum() / metric.counts.sum())


@pytest.mark.parametrize("k", [1, 5, 10])
def test_map_ndcg_and_hit_rate_are_those_of_ir_measures(
    ranked: tuple[Platform, Outcomes, Recommendations, np.ndarray], k: int
) -> None:
    measures = pytest.importorskip("ir_measures", reason="ir-measures is not installed")
    platform, outcomes, recommended, scores = ranked
    qrels = [
        measures.Qrel(f"a{artist}", f"c{curator}", round(4 * score))
        for artist, curator, score in zip(
            outcomes.artists, outcomes.curators, outcomes.scores, strict=True
        )
    ]
    run = [
        measures.ScoredDoc(f"a{artist}", f"c{curator}", scores[artist, curator])
        for artist in recommended.artists
        for curator in range(scores.shape[1])
    ]
    expected = {
        "map": measures.AP(rel=2) @ k,
        "ndcg": measures.nDCG @ k,
        "hit_rate": measures.Success(rel=2) @ k,
    }
    relevant = {f"a{artist}" for artist in np.flatnonzero(outcomes.relevant)}
    with_gain = {f"a{artist}" for artist in outcomes.artists[outcomes.scores > 0]}

    metrics = ranking_metrics(recommended, outcomes, platform, k)

    results = list(measures.iter_calc(list(expected.values()), qrels, run))
    for name, measure in expected.items():
        known = with_gain if name == "ndcg" else relevant
        values = [
            each.value for each in results if each.measure == measure and each.query_id in known
        ]
        assert metrics[name].counts.sum() == len(values)
        assert value(metrics[name]) == pytest.approx(np.mean(values), abs=1e-9)


def sent_scores(outcomes: Outcomes, recommended: Recommendations) -> Iterator[list[float]]:
    """Yield the scores of the recommendations that were sent a track, artist by artist."""
    scores = {
        (artist, curator): score
        for artist, curator, score in zip(
            outcomes.artists, outcomes.curators, outcomes.scores, strict=True
        )
    }
    for artist, row in zip(recommended.artists, recommended.curators, strict=True):
        yield [scores[artist, each] for each in row[:K] if (artist, each) in scores]


def test_missed_shots_and_sent_are_counted_as_the_thesis_defines_them(
    ranked: tuple[Platform, Outcomes, Recommendations, np.ndarray],
) -> None:
    platform, outcomes, recommended, _ = ranked
    sent = list(sent_scores(outcomes, recommended))
    flat = list(itertools.chain(*sent))

    metrics = ranking_metrics(recommended, outcomes, platform, K)

    assert value(metrics["missed_shots"]) == pytest.approx(flat.count(0.0) / len(flat))
    assert value(metrics["sent"]) == pytest.approx(len(flat) / len(sent))


def test_ratings_contacts_and_times_are_those_of_recommendations(
    ranked: tuple[Platform, Outcomes, Recommendations, np.ndarray],
) -> None:
    platform, outcomes, recommended, _ = ranked
    made = platform.interactions
    top = {
        (int(artist), int(each))
        for artist, row in zip(recommended.artists, recommended.curators, strict=True)
        for each in row[:K]
    }
    is_top = np.array([pair in top for pair in zip(made.artists, made.curators, strict=True)])

    metrics = ranking_metrics(recommended, outcomes, platform, K)

    assert value(metrics["rating"]) == pytest.approx(np.nanmean(made.ratings[is_top]))
    assert value(metrics["viewed_s"]) == pytest.approx(made.viewed_s[is_top].mean())
    contacts = made.in_contact[is_top].sum() / len(recommended.artists)
    assert value(metrics["contacts"]) == pytest.approx(contacts)


def test_what_is_not_logged_is_not_defined(simulation: Simulation) -> None:
    platform = simulation.platform
    made = vars(platform.interactions)
    unknown = np.full(len(platform.interactions), np.nan)
    bare = Interactions(**{**made, "ratings": unknown, "in_contact": unknown, "viewed_s": unknown})
    outcomes = Outcomes(bare, len(platform.artists.ids), len(platform.curators.ids))
    rated = np.unique(outcomes.artists)
    recommended = Recommendations(rated, np.tile(np.arange(K), (len(rated), 1)))

    metrics = ranking_metrics(recommended, outcomes, platform, K)

    assert not any(metrics[name].counts.any() for name in ("rating", "contacts", "viewed_s"))


def test_average_cosine_similarity_is_that_of_equation_2_9(
    ranked: tuple[Platform, Outcomes, Recommendations, np.ndarray],
) -> None:
    platform, outcomes, recommended, _ = ranked

    def cosine(left: np.ndarray, right: np.ndarray) -> float:
        lengths = np.linalg.norm(left) * np.linalg.norm(right)
        return float(left @ right / lengths) if lengths else 0.0

    expected = [
        cosine(platform.artists.subgenres[artist], platform.curators.liked[each])
        for artist, row in zip(recommended.artists, recommended.curators, strict=True)
        for each in row[:K]
    ]

    metrics = ranking_metrics(recommended, outcomes, platform, K)

    assert value(metrics["acs"]) == pytest.approx(np.mean(expected), abs=1e-6)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([[0, 1, 2], [0, 1, 2]], 0.0),  # the thesis's examples
        ([[0, 1, 2], [0, 4, 5]], 2 / 3),
        ([[0, 1, 2], [3, 4, 5]], 1.0),
        ([[0, 1], [1, 2], [3, 0]], 1 - 2 / 6),
    ],
)
def test_personalisation_is_that_of_the_thesis(lists: list[list[int]], expected: float) -> None:
    assert personalisation(np.array(lists)) == pytest.approx(expected)


def test_coverage_is_the_share_of_curators_that_anyone_sees() -> None:
    assert coverage(np.array([[0, 1], [1, 2]]), 12) == pytest.approx(0.25)


def test_of_several_interactions_of_a_pair_the_highest_counts(simulation: Simulation) -> None:
    made = simulation.platform.interactions.take(np.array([0, 0, 0]))
    several = Interactions(**{**vars(made), "scores": np.array([0.0, 1.0, 0.25])})

    outcomes = Outcomes(several, 600, 150)

    assert outcomes.scores.tolist() == [1.0]
    assert (outcomes.scores >= AGREED).sum() == outcomes.relevant.sum()


def test_artists_without_an_outcome_are_in_no_mean() -> None:
    metric = Quotient.mean(np.array([1.0, np.nan, 0.0]))

    assert metric.in_draws(np.ones((1, 3), np.float32)).tolist() == [0.5]
