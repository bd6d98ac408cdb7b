"""Bootstrap intervals and errors of predictions."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from app.recommender.metrics.quotient import Interval, Quotient, draw_weights, interval
from app.recommender.metrics.rating import rating_metrics


def test_intervals_are_those_of_scipy() -> None:
    values = np.random.RandomState(0).gamma(2, size=300)
    expected = bootstrap(
        (values,), np.mean, method="percentile", random_state=np.random.RandomState(1)
    ).confidence_interval

    found = interval(Quotient.mean(values).in_draws(draw_weights(300, draws=5000)))

    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(expected.low, abs=0.02)
    assert found.high == pytest.approx(expected.high, abs=0.02)


def test_errors_are_those_of_the_definitions_over_interactions() -> None:
    random = np.random.RandomState(0)
    predicted, scores = random.uniform(size=50), random.choice([0, 0.25, 0.5, 1], 50)
    artists = random.randint(8, size=50)

    metrics = rating_metrics(predicted, scores, artists, 9)

    ones = np.ones((1, 9), np.float32)
    rmse, mae = (metrics[name].in_draws(ones)[0] for name in ("rmse", "mae"))
    assert rmse == pytest.approx(np.sqrt(np.mean((predicted - scores) ** 2)))
    assert mae == pytest.approx(np.mean(np.abs(predicted - scores)))


def test_artists_are_drawn_whole() -> None:
    weights = draw_weights(20, draws=30)

    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 20).all()
    assert np.array_equal(weights, draw_weights(20, draws=30))


@pytest.mark.parametrize(
    ("low", "high", "excludes"), [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False)]
)
def test_an_interval_excludes_zero_on_either_side(low: float, high: float, excludes: bool) -> None:
    assert Interval(0.0, low, high).excludes_zero is excludes
    assert not Interval(None).excludes_zero


def test_a_metric_that_no_artist_defines_has_no_value() -> None:
    nothing = Quotient.mean(np.full(3, np.nan))

    assert interval(nothing.in_draws(draw_weights(3, draws=5))) == Interval(None)
