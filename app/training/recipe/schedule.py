"""Early stopping, plateaus and stages: a pure function of the validation losses.

Keras's callbacks do the same, but lose their state when a run is killed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.training.recipe.schema import Stage


@dataclass(frozen=True)
class ScheduleState:
    """The state of a phase between two epochs.

    Attributes:
        learning_rate: The current learning rate.
        stage: The index of the current stage; the number of stages when the phase is done.
        epoch: Number of epochs of the phase so far.
        epoch_of_stage: Number of epochs of the current stage so far.
        best_loss: The lowest validation loss of the phase.
        best_epoch: The number of epochs after which it was reached.
        since_best: Epochs of the stage since the best loss, or since the stage began.
        since_fall: The same, but reset when the learning rate is lowered.
    """

    learning_rate: float
    stage: int = 0
    epoch: int = 0
    epoch_of_stage: int = 0
    best_loss: float = math.inf
    best_epoch: int = 0
    since_best: int = 0
    since_fall: int = 0


def initial_state(stages: Sequence[Stage]) -> ScheduleState:
    """Return the state before the first epoch."""
    return ScheduleState(stages[0].learning_rate)


def after_epoch(
    schedule_state: ScheduleState, stages: Sequence[Stage], loss: float
) -> ScheduleState:
    """Return the state after an epoch with the given validation loss.

    Args:
        schedule_state: The state before the epoch.
        stages: The phase's stages.
        loss: The epoch's validation loss.
    """
    stage = stages[schedule_state.stage]
    better = loss < schedule_state.best_loss
    now = replace(
        schedule_state,
        epoch=schedule_state.epoch + 1,
        epoch_of_stage=schedule_state.epoch_of_stage + 1,
        best_loss=min(loss, schedule_state.best_loss),
        best_epoch=schedule_state.epoch + 1 if better else schedule_state.best_epoch,
        since_best=0 if better else schedule_state.since_best + 1,
        since_fall=0 if better else schedule_state.since_fall + 1,
    )
    stopped = stage.early_stop is not None and now.since_best >= stage.early_stop
    if stopped or now.epoch_of_stage >= stage.epochs:
        return _next_stage(now, stages)
    if stage.plateau and now.since_fall >= stage.plateau.patience:
        return replace(now, learning_rate=now.learning_rate * stage.plateau.factor, since_fall=0)
    return now


def _next_stage(schedule_state: ScheduleState, stages: Sequence[Stage]) -> ScheduleState:
    number = schedule_state.stage + 1
    rate = stages[number].learning_rate if number < len(stages) else schedule_state.learning_rate
    return replace(
        schedule_state,
        stage=number,
        learning_rate=rate,
        epoch_of_stage=0,
        since_best=0,
        since_fall=0,
    )
