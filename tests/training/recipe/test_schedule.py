"""Stages end, and learning rates fall, as Keras's callbacks would have it."""

import math

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.training.recipe.schedule import ScheduleState, after_epoch, initial_state
from app.training.recipe.schema import Plateau, Stage

THESIS = Stage(
    optimizer="adam", learning_rate=1e-4, epochs=100, plateau=Plateau(patience=2), early_stop=4
)


def through(stages: tuple[Stage, ...], losses: list[float]) -> list[ScheduleState]:
    schedule_states = [initial_state(stages)]
    for loss in losses:
        if schedule_states[-1].stage == len(stages):
            break
        schedule_states.append(after_epoch(schedule_states[-1], stages, loss))
    return schedule_states


def test_the_rate_falls_to_a_tenth_after_two_epochs_without_a_better_loss() -> None:
    rates = [each.learning_rate for each in through((THESIS,), [1.0, 0.9, 0.95, 0.91, 0.8])]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-4, 1e-4, 1e-5, 1e-5])


def test_training_stops_after_four_epochs_without_a_better_loss() -> None:
    schedule_states = through((THESIS,), [1.0, *[1.1] * 10])
    assert schedule_states[-1].stage == 1
    assert schedule_states[-1].epoch == 5


def test_a_stage_has_at_most_its_epochs_and_the_next_has_its_own_rate() -> None:
    stages = tuple(Stage(optimizer="sgd", learning_rate=rate, epochs=2) for rate in (1e-2, 1e-3))
    schedule_states = through(stages, [5, 4, 3, 2, 1])
    assert [each.stage for each in schedule_states] == [0, 0, 1, 1, 2]
    assert schedule_states[2].learning_rate == 1e-3


def test_the_best_loss_is_that_of_the_whole_phase() -> None:
    stages = tuple(Stage(optimizer="sgd", learning_rate=1.0, epochs=1) for _ in range(3))
    assert [each.best_loss for each in through(stages, [2, 3, 1])] == [math.inf, 2, 2, 1]


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=30))
def test_the_schedule_agrees_with_the_callbacks_of_keras(losses: list[float]) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="mse")
    plateau = keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.1, min_delta=0)
    stop = keras.callbacks.EarlyStopping(patience=4)
    rates, stopped = [], len(losses)
    for callback in (plateau, stop):
        callback.set_model(model)
        callback.on_train_begin()
    model.stop_training = False
    for epoch, loss in enumerate(losses):
        plateau.on_epoch_end(epoch, {"val_loss": loss})
        stop.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            stopped = epoch + 1
            break
        rates.append(float(model.optimizer.learning_rate))
    ours = through((THESIS,), losses)
    assert len(ours) - 1 == stopped
    assert [each.learning_rate for each in ours[1 : len(rates) + 1]] == pytest.approx(rates)
