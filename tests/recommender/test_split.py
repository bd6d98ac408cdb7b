"""Splits by time: nothing of the future is in the training data."""

import numpy as np
import pytest

from app.errors import SetupError
from app.recommender.simulation.simulate import Simulation
from app.recommender.split import check_no_future, split_by_time


def test_the_latest_share_is_evaluated_and_all_before_it_is_trained_on(
    simulation: Simulation,
) -> None:
    made = simulation.platform.interactions

    split = split_by_time(simulation.platform, share=0.25)

    assert split.train.at.max() < split.at <= split.test.at.min()
    assert len(split.train) + len(split.test) == len(made)
    assert len(split.test) / len(made) == pytest.approx(0.25, abs=0.01)
    assert len(split.platform.interactions) == len(split.train)


def test_cold_artists_and_curators_have_no_interaction_before(simulation: Simulation) -> None:
    split = split_by_time(simulation.platform)

    assert split.cold_artists.any()
    assert not split.cold_artists[split.train.artists].any()
    assert split.cold_artists.sum() + len(np.unique(split.train.artists)) == 600
    assert not split.cold_curators[split.train.curators].any()


def test_interactions_of_one_moment_stay_together(simulation: Simulation) -> None:
    made = simulation.platform.interactions
    days = made.at.astype("datetime64[M]").astype("datetime64[us]")
    monthly = type(made)(**{**vars(made), "at": days})

    split = split_by_time(simulation.platform.with_interactions(monthly))

    assert split.train.at.max() < split.test.at.min()


@pytest.mark.parametrize(
    ("at", "side"), [("2022-01-01", "to train on"), ("2030-01-01", "to evaluate on")]
)
def test_an_empty_side_is_refused(simulation: Simulation, at: str, side: str) -> None:
    with pytest.raises(SetupError, match=rf"leaves none of .* interactions {side}"):
        split_by_time(simulation.platform, at=np.datetime64(at))


def test_a_platform_without_interactions_is_refused(simulation: Simulation) -> None:
    nothing = simulation.platform.interactions.take(np.zeros(0, np.int64))

    with pytest.raises(SetupError, match="none of 0"):
        split_by_time(simulation.platform.with_interactions(nothing))


def test_training_data_from_the_time_of_the_evaluation_is_refused(simulation: Simulation) -> None:
    split = split_by_time(simulation.platform)

    check_no_future(split.train, split.test)
    with pytest.raises(SetupError, match="from the time of the evaluation"):
        check_no_future(simulation.platform.interactions, split.test)
