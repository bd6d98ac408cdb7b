"""Rankings as policies: who is recommended, and with which probability."""

import numpy as np
import pytest

from app.recommender.policies.ranking import RankingPolicy

SCORES = np.random.RandomState(3).normal(size=(4, 30))


def test_without_a_temperature_the_highest_scores_are_recommended() -> None:
    policy = RankingPolicy(k=3)

    chosen = policy.probabilities(SCORES)
    ((order, propensities),) = policy.draw(SCORES[1:2], np.random.RandomState(0))

    assert set(np.flatnonzero(chosen[0])) == set(np.argsort(-SCORES[0])[:3])
    assert order.tolist() == np.argsort(-SCORES[1])[:3].tolist()
    assert propensities.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("temperature", [0.0, 0.05, 1.0, 100.0])
def test_probabilities_sum_to_k_and_are_never_those_of_excluded_curators(
    temperature: float,
) -> None:
    scores = SCORES.copy()
    scores[:, :5] = -np.inf
    scores[3, 7:] = -np.inf  # two curators are left

    found = RankingPolicy(4, temperature).probabilities(scores)

    assert found.sum(axis=1) == pytest.approx([4, 4, 4, 2])
    assert not found[:, :5].any()
    assert found[3, 5:7].tolist() == [1.0, 1.0]


def test_a_low_temperature_recommends_the_highest_and_a_high_one_all_alike() -> None:
    cold, warm = (RankingPolicy(5, each).probabilities(SCORES) for each in (1e-5, 1e4))

    assert cold == pytest.approx(RankingPolicy(5).probabilities(SCORES), abs=1e-6)
    assert warm == pytest.approx(np.full(SCORES.shape, 5 / 30), rel=1e-3)


def test_curators_are_drawn_as_often_as_their_probability_says() -> None:
    policy, random = RankingPolicy(k=5, temperature=0.5), np.random.RandomState(0)
    expected = policy.probabilities(SCORES[:1])[0]
    draws, times = 4_000, np.zeros(30)

    for order, propensities in policy.draw(np.tile(SCORES[0], (draws, 1)), random):
        assert len(set(order)) == 5
        times[order] += 1
        assert propensities == pytest.approx(expected[order])

    assert times / draws == pytest.approx(expected, abs=0.035)  # four standard errors


def test_with_few_curators_all_are_recommended() -> None:
    scores, policy = np.array([[0.3, -np.inf, 0.9]]), RankingPolicy(k=5, temperature=1.0)

    ((order, propensities),) = policy.draw(scores, np.random.RandomState(0))

    assert order.tolist() == [2, 0]
    assert propensities.tolist() == [1.0, 1.0]
