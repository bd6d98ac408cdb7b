"""The number of artists: against published values, exact probabilities, and made experiments."""

import math

import numpy as np
import pytest
from scipy import stats

from app.errors import SetupError
from app.recommender.live.sample_size import count_artists

USUAL = {"power": 0.8, "significance": 0.05}


def is_significant(old: np.ndarray, new: np.ndarray, size: float) -> np.ndarray:
    """The z-test of two proportions, of counts among `size` each."""
    mean = (old + new) / (2 * size)
    error = np.sqrt(2 * mean * (1 - mean) / size)
    distance = np.abs(new - old) / size
    ratio = np.divide(distance, error, out=np.zeros_like(distance), where=error > 0)
    return ratio > stats.norm.isf(0.025)


def test_the_numbers_are_those_of_r() -> None:
    """`power.prop.test(p1 = .50, p2 = .75, power = .90)` gives 76.7 in its documentation."""
    assert count_artists(0.5, 0.25, power=0.9, significance=0.05) == 77
    assert count_artists(0.75, -0.25, power=0.9, significance=0.05) == 77


@pytest.mark.parametrize(("rate", "difference"), [(0.12, 0.08), (0.4, -0.15), (0.3, 0.2)])
def test_the_exact_power_of_the_test_is_the_one_asked_for(rate: float, difference: float) -> None:
    size = count_artists(rate, difference, **USUAL)
    counts = np.arange(size + 1.0)
    old = stats.binom.pmf(counts, size, rate)
    new = stats.binom.pmf(counts, size, rate + difference)
    power = old @ is_significant(counts[:, np.newaxis], counts, size) @ new
    assert power == pytest.approx(0.8, abs=0.015)


def test_experiments_with_alike_answers_find_the_difference_as_often_as_asked_for() -> None:
    rate, difference, sends, alike = 0.12, 0.06, 5, 0.2
    artists = count_artists(rate, difference, sends_per_artist=sends, correlation=alike, **USUAL)
    random, spread, runs = np.random.RandomState(0), 1 / alike - 1, 2_000

    def means(true: float) -> tuple[np.ndarray, np.ndarray]:
        """The mean rate of each run, and its squared error over artists."""
        rates = random.beta(true * spread, (1 - true) * spread, (runs, artists))
        of_artists = random.binomial(sends, rates) / sends
        return of_artists.mean(axis=1), of_artists.var(axis=1) / artists

    (old, old_error), (new, new_error) = means(rate), means(rate + difference)
    found = np.abs(new - old) / np.sqrt(old_error + new_error) > stats.norm.isf(0.025)
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_further_sends_of_an_artist_count_as_far_as_their_answers_differ() -> None:
    alone = count_artists(0.12, 0.02, **USUAL)
    assert count_artists(0.12, 0.02, sends_per_artist=5, **USUAL) == alone
    independent = count_artists(0.12, 0.02, sends_per_artist=5, correlation=0, **USUAL)
    assert independent == math.ceil(alone / 5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate": 0}, "the acceptance rate 0 is not valid"),
        ({"rate": 12}, "the acceptance rate 12 is not valid"),
        ({"difference": 0.9}, "the rate with the difference 1.02 is not valid"),
        ({"difference": 0}, "a difference of 0 can't be found"),
        ({"difference": float("nan")}, "nan is not valid"),
        ({"power": 1}, "the power 1 is not valid"),
        ({"significance": 5}, "the significance 5 is not valid"),
        ({"sends_per_artist": 0.5}, "0.5 sends an artist are not valid"),
        ({"sends_per_artist": float("inf")}, "inf sends an artist are not valid"),
        ({"correlation": -0.1}, "the correlation -0.1 is not valid"),
    ],
)
def test_values_outside_their_range_are_named(changes: dict[str, float], words: str) -> None:
    given = {"rate": 0.12, "difference": 0.02, **USUAL, **changes}
    with pytest.raises(SetupError, match=words):
        count_artists(**given)
