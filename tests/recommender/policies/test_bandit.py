"""The bandit finds what greedy rankings miss, and logs true propensities."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from app.recommender.data import Floats
from app.recommender.metrics.quotient import draw_weights, interval
from app.recommender.policies.bandit import DRAWS, ThompsonSampling
from app.recommender.policies.estimators import IPS, WeightedLog, make_quotients
from app.recommender.simulation.lists import send_list
from app.recommender.simulation.rounds import run_rounds
from app.recommender.simulation.settings import Settings
from app.recommender.simulation.simulate import Simulation
from testing.bandits import K, curator_values, exploit, explore, misled, one_hot
from tests.recommender.conftest import simulated

ARTISTS, CURATORS = 100, 40


def platform(seed: int) -> Simulation:
    return simulated(Settings(artists=ARTISTS, curators=CURATORS, sparsity=0.9, seed=seed))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.thorough)])
def test_with_a_wrong_prior_it_finds_better_curators_than_the_greedy_ranking(seed: int) -> None:
    simulation = platform(seed)
    values = curator_values(simulation)

    last = {}
    for choose in (explore, exploit):
        random = np.random.RandomState(seed)
        rounds = run_rounds(
            simulation.world, misled(values), one_hot(simulation), choose, random, lists=20
        )
        last[choose] = np.mean([each.value for each in islice(rounds, 25, 30)])

    best = np.sort(values)[-K:].mean()
    assert last[explore] > 0.85 * best
    assert last[exploit] < 0.6 * best


@pytest.fixture(scope="module")
def settled() -> tuple[Simulation, ThompsonSampling]:
    """A platform, and a bandit after some random lists, which is not certain yet."""
    simulation = platform(seed=1)
    made = simulation.platform.interactions
    return simulation, ThompsonSampling.fit(np.eye(CURATORS)[made.curators], made.scores)


def test_its_propensities_make_estimates_of_another_ranking_right(
    settled: tuple[Simulation, ThompsonSampling],
) -> None:
    simulation, bandit = settled
    world, random = simulation.world, np.random.RandomState(0)
    artists = np.repeat(np.arange(ARTISTS), 3)
    lists = [bandit.rerank(np.eye(CURATORS), random, K) for _ in artists]
    sent = [
        send_list(world, int(artist), *drawn, random)
        for artist, drawn in zip(artists, lists, strict=True)
    ]
    log = world.answer(sent, random)
    best, _ = exploit(bandit, np.eye(CURATORS), random)
    truth = world.expected_scores(log.tracks)[:, best].mean()

    def estimated(propensities: Floats) -> Iterator[float | None]:
        weights = np.isin(log.curators, best) / propensities
        nothing = np.zeros(len(log))
        weighted = WeightedLog(log.artists, log.scores, weights, nothing, nothing)
        quotient = make_quotients(weighted)[IPS]
        found = interval(quotient.in_draws(draw_weights(ARTISTS)))
        yield from (found.low, found.high)

    low, high = estimated(log.propensities)
    _, without = estimated(np.ones(len(log)))
    assert low is not None
    assert high is not None
    assert without is not None
    assert low < truth < high
    assert without < truth  # the interval if propensities are ignored


def test_propensities_are_how_often_each_curator_is_recommended() -> None:
    random = np.random.RandomState(0)
    features = random.normal(size=(12, 4))
    bandit = ThompsonSampling.fit(random.normal(size=(15, 4)), random.uniform(size=15))
    runs, times, sums = 600, np.zeros(12), np.zeros(12)

    for seed in range(runs):
        order, propensities = bandit.rerank(features, np.random.RandomState(seed), 3)
        assert (propensities >= 1 / (1 + DRAWS)).all()
        assert (propensities <= 1).all()
        times[order] += 1
        sums[order] += propensities

    seen = times > 0
    assert (sums[seen] / times[seen]) == pytest.approx(times[seen] / runs, abs=0.09)


def test_curators_with_equal_features_share_their_place() -> None:
    bandit = ThompsonSampling.fit(np.eye(3), np.array([0.0, 0.5, 1.0]))
    features = np.array([[0.0, 0.5, 1.0]] * 2)

    lists = [bandit.rerank(features, np.random.RandomState(seed), 1) for seed in range(20)]

    assert {int(order[0]) for order, _ in lists} == {0, 1}
    for _, propensities in lists:
        assert propensities == pytest.approx([0.5], abs=0.08)


def test_a_seed_gives_the_same_list_and_others_give_others(
    settled: tuple[Simulation, ThompsonSampling],
) -> None:
    _, bandit = settled

    lists = [bandit.rerank(np.eye(CURATORS), np.random.RandomState(seed), K) for seed in (4, 4, 5)]

    assert np.array_equal(lists[0][0], lists[1][0])
    assert np.array_equal(lists[0][1], lists[1][1])
    assert not np.array_equal(lists[0][0], lists[2][0])


def test_what_it_is_certain_of_is_recommended_surely() -> None:
    random = np.random.RandomState(0)
    features = random.normal(size=(20_000, 2))
    scores = 0.5 + features @ [0.3, -0.1]

    bandit = ThompsonSampling.fit(features, scores)
    order, propensities = bandit.rerank(np.array([[-5.0, 0], [0, 5], [5, 0], [0, 0]]), random, 2)

    assert bandit.mean / bandit.spread == pytest.approx([0.3, -0.1], abs=0.01)
    assert order.tolist() == [2, 3]
    assert propensities.tolist() == [1.0, 1.0]


def test_updates_add_up_to_a_fit_of_all() -> None:
    random = np.random.RandomState(0)
    features, scores = random.normal(size=(60, 3)), random.uniform(size=60)
    start = ThompsonSampling.fit(features[:20], scores[:20])

    once = start.update(features[20:], scores[20:])
    twice = start.update(features[20:30], scores[20:30]).update(features[30:], scores[30:])

    assert twice.mean == pytest.approx(once.mean)
    assert twice.precision == pytest.approx(once.precision)
    assert np.trace(np.linalg.inv(once.precision)) < np.trace(np.linalg.inv(start.precision))


def test_a_feature_that_was_constant_in_training_changes_little() -> None:
    random = np.random.RandomState(0)
    nearly_constant = 0.1 + 1e-14 * random.uniform(size=1_000)
    features = np.stack([random.uniform(size=1_000), nearly_constant], axis=1)
    bandit = ThompsonSampling.fit(features, features[:, 0])

    candidates = np.array([[0.0, 0.9], [1.0, 0.1], [0.1, 0.5], [0.9, 0.2]])
    order, _ = bandit.rerank(candidates, random, 2)

    assert sorted(order) == [1, 3]


def test_few_candidates_are_all_recommended() -> None:
    bandit = ThompsonSampling.fit(np.eye(3), np.array([0.0, 0.5, 1.0]))

    order, propensities = bandit.rerank(np.eye(3)[:2], np.random.RandomState(0), 5)

    assert sorted(order) == [0, 1]
    assert propensities.tolist() == [1.0, 1.0]
