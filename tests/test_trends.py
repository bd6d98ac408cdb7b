"""The slope of what a service holds, on made series."""

import numpy as np
import numpy.typing as npt
import pytest

from testing.trends import fit_trend

BLOCK = 10
SECONDS = 2_160
"""What is left of an hour after the warm-up."""

AT_S = np.arange(float(SECONDS))


def drifting(seed: int, per_hour: float, correlation: float = 0.8) -> npt.NDArray[np.float64]:
    """Memory in MB that follows a slope, with noise whose blocks resemble those before."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(SECONDS // BLOCK)
    for index in range(1, len(noise)):
        noise[index] = correlation * noise[index - 1] + rng.normal()
    return 600 + per_hour * AT_S / 3600 + np.repeat(noise, BLOCK)


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    trend = fit_trend(AT_S, 600 + 5 * AT_S / 3600, BLOCK)
    assert trend is not None
    assert (trend.per_hour, trend.low, trend.high) == pytest.approx((5, 5, 5))
    assert trend.hours == pytest.approx((SECONDS - BLOCK) / 3600)
    assert trend.spread == pytest.approx(5 * trend.hours)


def test_what_is_held_for_a_moment_does_not_count() -> None:
    values = np.full(SECONDS, 600.0)
    values[np.arange(SECONDS) % BLOCK != 3] += np.arange(SECONDS - SECONDS // BLOCK)
    trend = fit_trend(AT_S, values, BLOCK)
    assert trend is not None
    assert (trend.per_hour, trend.spread) == pytest.approx((0, 0), abs=1e-9)


def test_a_leak_is_found_among_noise() -> None:
    trend = fit_trend(AT_S, drifting(1, 20), BLOCK)
    assert trend is not None
    assert trend.grows
    assert trend.low < 20 < trend.high


def test_the_interval_holds_the_true_slope_of_correlated_noise() -> None:
    trends = [fit_trend(AT_S, drifting(seed, 3), BLOCK) for seed in range(100)]
    covered = sum(trend is not None and trend.low <= 3 <= trend.high for trend in trends)
    assert covered >= 85


def test_noise_without_a_slope_rarely_counts_as_growth() -> None:
    trends = [fit_trend(AT_S, drifting(seed, 0), BLOCK) for seed in range(100)]
    assert sum(trend is not None and trend.grows for trend in trends) <= 8


def test_what_shrinks_does_not_grow() -> None:
    trend = fit_trend(AT_S, drifting(1, -20), BLOCK)
    assert trend is not None
    assert trend.high < 0
    assert not trend.grows


@pytest.mark.parametrize("samples", [0, 1, 6 * BLOCK - 1])
def test_a_short_series_has_no_trend(samples: int) -> None:
    assert fit_trend(AT_S[:samples], AT_S[:samples], BLOCK) is None
