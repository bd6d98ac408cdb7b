"""Estimates of a new ranking agree with what is planted, or say why they don't."""

from dataclasses import replace

import numpy as np
import pytest

from app.errors import SetupError
from app.recommender.data import Floats, Indices, Interactions
from app.recommender.models.base import Training
from app.recommender.policies.estimation import Estimates, estimate
from app.recommender.policies.estimators import DOUBLY_ROBUST, IPS, LOGGED, SNIPS, SUPPORT
from app.recommender.policies.findings import compare_with_log, find_warnings, give_verdict
from app.recommender.policies.log import list_lengths
from app.recommender.policies.ranking import RankingPolicy
from app.recommender.simulation.simulate import Simulation
from app.recommender.split import Split
from testing.recommendation_logs import log_lists, true_scores, true_value, without_known

NEW, LOGGING = RankingPolicy(k=10), RankingPolicy(k=10, temperature=0.5)
SEEDS, LISTS = range(12), 200


class Given:
    """A model whose scores are given."""

    predicts_scores = True

    def __init__(self, scores: Floats, name: str = "given") -> None:
        self.scores, self.name = scores, name

    def fit(self, training: Training) -> None:
        raise NotImplementedError

    def score(self, artists: Indices, curators: Indices) -> Floats:
        return self.scores[np.ix_(artists, curators)]


@pytest.fixture(scope="module")
def scores(simulation: Simulation) -> Floats:
    """What the new ranking orders by: the truth with much noise."""
    true = true_scores(simulation)
    return true + 0.2 * np.random.RandomState(0).normal(size=true.shape)


@pytest.fixture(scope="module")
def logs(simulation: Simulation) -> list[Split]:
    """Lists that were drawn by other scores."""
    true = true_scores(simulation)
    other = 0.5 * true + 0.3 * np.random.RandomState(1).normal(size=true.shape)
    return [log_lists(simulation, other, LOGGING, LISTS, seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def found(simulation: Simulation, scores: Floats, logs: list[Split]) -> dict[str, list[Estimates]]:
    """Estimates from all logs, with a reward model that is right and one that says anything."""
    rewards = {
        "good": Given(true_scores(simulation)),
        "bad": Given(np.random.RandomState(2).uniform(size=scores.shape)),
    }
    return {
        name: [estimate(Given(scores), reward, log, NEW) for log in logs]
        for name, reward in rewards.items()
    }


@pytest.fixture(scope="module")
def truths(simulation: Simulation, scores: Floats, logs: list[Split]) -> Floats:
    """The true value of the new ranking for the tracks of each log."""
    return np.array([true_value(simulation, log.test, scores, NEW) for log in logs])


def limits_of(found: list[Estimates], name: str) -> Floats:
    """The value of an estimate and its interval in all logs, (3, logs)."""
    values = [each.figures[name].interval for each in found]
    return np.array([(each.value, each.low, each.high) for each in values], float).T


@pytest.mark.parametrize(
    ("name", "reward"),
    [(IPS, "good"), (SNIPS, "good"), (DOUBLY_ROBUST, "good"), (DOUBLY_ROBUST, "bad")],
)
def test_estimates_are_right_on_average_and_intervals_hold_the_truth(
    truths: Floats, found: dict[str, list[Estimates]], name: str, reward: str
) -> None:
    values, low, high = limits_of(found[reward], name)

    errors = values - truths
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors))
    assert ((low <= truths) & (truths <= high)).mean() >= 0.8
    assert not list(find_warnings(found[reward][0]))


def test_ips_is_wide_snips_narrower_and_doubly_robust_narrowest_with_a_good_model(
    truths: Floats, found: dict[str, list[Estimates]]
) -> None:
    names = (IPS, SNIPS, DOUBLY_ROBUST)
    ips, snips, robust = (limits_of(found["good"], name) for name in names)
    bad, _, _ = limits_of(found["bad"], DOUBLY_ROBUST)

    widths = [(high - low).mean() for _, low, high in (ips, snips, robust)]
    assert widths[0] > widths[1] > widths[2]
    assert (robust[0] - truths).std() < min((bad - truths).std(), (ips[0] - truths).std())


def test_the_log_itself_is_the_policy_that_made_it(simulation: Simulation, scores: Floats) -> None:
    log = log_lists(simulation, scores, LOGGING, LISTS, seed=5)

    found = estimate(Given(scores), Given(scores), log, LOGGING)

    assert found.weighted.weights == pytest.approx(np.ones(len(log.test)))
    assert found.weighted.effective_size == pytest.approx(len(log.test))
    logged = found.figures[LOGGED].interval
    assert logged.value == pytest.approx(log.test.scores.mean())
    assert found.figures[IPS].interval.value == pytest.approx(logged.value)
    assert not compare_with_log(found)[IPS].interval.excludes_zero
    assert "it is not certain that this differs" in give_verdict(found)


def test_a_better_ranking_is_found_to_be_better(
    found: dict[str, list[Estimates]],
) -> None:
    change = compare_with_log(found["good"][0])[DOUBLY_ROBUST]

    assert change.base == "log"
    assert change.interval.excludes_zero
    assert "higher than in the log" in give_verdict(found["good"][0])


def test_a_ranking_without_support_is_warned_of(simulation: Simulation, scores: Floats) -> None:
    shown = true_scores(simulation)
    shown[:, ::2] = -np.inf  # every other curator is never recommended
    log = log_lists(simulation, shown, LOGGING, LISTS, seed=0)

    found = estimate(Given(scores), Given(scores), log, NEW)

    chosen = NEW.probabilities(without_known(simulation, scores))[:LISTS]
    share = chosen[:, 1::2].sum() / chosen.sum()
    assert found.figures[SUPPORT].interval.value == pytest.approx(share, abs=0.1)
    warning = next(find_warnings(found))
    assert warning.startswith(f"the log supports {found.figures[SUPPORT].interval.value:.0%}")


def test_a_log_without_chance_is_warned_of(simulation: Simulation, scores: Floats) -> None:
    log = log_lists(simulation, true_scores(simulation), NEW, LISTS, seed=0)

    found = estimate(Given(scores), Given(scores), log, NEW)

    warnings = list(find_warnings(found))
    assert warnings[0].startswith("all propensities are 1")
    assert warnings[1].startswith("the log supports")
    assert found.figures[SUPPORT].interval.value == pytest.approx(found.in_log)


def with_columns(split: Split, **columns: np.ndarray) -> Split:
    """The same log with other columns."""
    return replace(split, test=Interactions(**{**vars(split.test), **columns}))


def test_wrong_propensities_are_warned_of(logs: list[Split], scores: Floats) -> None:
    log = with_columns(logs[0], propensities=logs[0].test.propensities / 2)

    found = estimate(Given(scores), Given(scores), log, NEW)

    warning = next(find_warnings(found))
    assert warning.startswith("the mean weight is 2.")
    assert "and 1 is expected" in warning


def test_tiny_propensities_are_clipped_and_the_bias_is_stated(
    logs: list[Split], scores: Floats
) -> None:
    made, chosen = logs[0].test, NEW.probabilities(scores)
    row = np.flatnonzero((chosen[made.artists, made.curators] > 0) & (made.scores == 1))[0]
    propensities = made.propensities.copy()
    propensities[row] = 1e-5
    before = estimate(Given(scores), Given(scores), logs[0], NEW)

    found = estimate(
        Given(scores), Given(scores), with_columns(logs[0], propensities=propensities), NEW
    )

    limit = np.sqrt(len(made))
    assert found.weighted.clipped.max() == pytest.approx(limit)
    assert found.weighted.clipping_bias == pytest.approx((1e5 - limit) / len(made), rel=1e-3)
    assert any(each.startswith("1 weights are clipped") for each in find_warnings(found))
    change = (found.figures[IPS].interval.value or 0) - (before.figures[IPS].interval.value or 0)
    assert change < limit / len(made)


def test_few_effective_rows_are_warned_of(logs: list[Split], scores: Floats) -> None:
    few = replace(logs[0], test=logs[0].test.take(np.arange(60)))

    warnings = list(find_warnings(estimate(Given(scores), Given(scores), few, NEW)))

    assert any("the effective sample size is" in each for each in warnings)


def test_interactions_without_a_propensity_are_left_out_and_counted(
    logs: list[Split], scores: Floats
) -> None:
    made = logs[0].test
    propensities, positions = made.propensities.copy(), made.positions.copy()
    propensities[:7], positions[7:9] = np.nan, -1
    some = with_columns(logs[0], propensities=propensities, positions=positions)

    found = estimate(Given(scores), Given(scores), some, NEW)

    assert len(found.weighted.scores) == len(made) - 9
    assert any(each.startswith("9 interactions without") for each in find_warnings(found))


def test_what_cannot_be_estimated_is_refused(logs: list[Split], scores: Floats) -> None:
    nothing = with_columns(logs[0], propensities=np.full(len(logs[0].test), np.nan))
    order = Given(scores, "order")
    order.predicts_scores = False
    future = Split(logs[0].platform.with_interactions(logs[0].test), logs[0].test, logs[0].at)

    with pytest.raises(
        SetupError, match=r"none of 2,000 interactions .* position and a propensity"
    ):
        estimate(Given(scores), Given(scores), nothing, NEW)
    with pytest.raises(SetupError, match="order does not predict scores"):
        estimate(Given(scores), order, logs[0], NEW)
    with pytest.raises(SetupError, match="k is 151, and there are 150 curators"):
        estimate(Given(scores), Given(scores), logs[0], RankingPolicy(k=151))
    with pytest.raises(SetupError, match="from the time of the evaluation"):
        estimate(Given(scores), Given(scores), future, NEW)


def test_a_shorter_ranking_than_the_logged_lists_is_estimated_too(
    simulation: Simulation, scores: Floats, logs: list[Split]
) -> None:
    short = RankingPolicy(k=4)
    found = [estimate(Given(scores), Given(scores), log, short) for log in logs]
    truth = true_value(simulation, logs[0].test, scores, short)

    for name in (IPS, SNIPS, DOUBLY_ROBUST):
        values, _, _ = limits_of(found, name)
        assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(len(values))
    assert truth > true_value(simulation, logs[0].test, scores, NEW)


def test_the_length_of_a_list_is_that_of_its_positions() -> None:
    random = np.random.RandomState(0)
    artists = np.repeat(np.arange(3_000), 4)
    some = np.concatenate([random.permutation(12)[:4] + 1 for _ in range(3_000)])

    assert list_lengths(np.array([4, 4, 4, 2]), np.array([1, 2, 3, 5])).tolist() == [3, 3, 3, 9]
    twice = np.tile(np.arange(1, 11), 2)
    assert list_lengths(np.zeros(20, int), twice) == pytest.approx(np.full(20, 10.0))
    assert list_lengths(artists, some).mean() == pytest.approx(12, rel=0.02)
