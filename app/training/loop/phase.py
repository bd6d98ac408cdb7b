"""Train one phase; the state is saved after each epoch, so that a killed run can be resumed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from app.errors import SetupError
from app.training.data.batches import BatchDataset
from app.training.loop.checkpoint import (
    Row,
    load_weights,
    read_schedule_state,
    restore,
    save_state,
    save_weights,
)
from app.training.loop.depths import freeze_below, rate_factors
from app.training.loop.epoch_loop import Loop
from app.training.loop.networks import Built
from app.training.loop.optimizers import make_optimizer
from app.training.loop.replicas import by_one
from app.training.recipe.schedule import ScheduleState, after_epoch, initial_state
from app.training.recipe.schema import Phase, Stage

STATE = "state.safetensors"

Epochs = Callable[[int], BatchDataset]
"""Returns the batches of an epoch by its number."""


@dataclass(frozen=True)
class Step:
    """The progress of a phase.

    Attributes:
        phase: Its name.
        stage: Number of the stage, from 1, of `stages`.
        epoch: Number of the epoch in the stage, from 1, of at most `epochs`.
        step: Number of batches of the epoch done, of `steps`.
        loss: Mean of the epoch so far, as last read.
    """

    phase: str
    stage: int
    stages: int
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float


OnProgress = Callable[[Step], None]


@dataclass(frozen=True, eq=False)
class TrainingInputs:
    """The data and loss of a phase.

    Attributes:
        epochs: The training epochs.
        validation: The validation windows.
        loss: The loss.
    """

    epochs: Epochs
    validation: BatchDataset
    loss: keras.losses.Loss


def fit(
    phase: Phase,
    built: Built,
    inputs: TrainingInputs,
    folder: Path,
    *,
    seed: int,
    on_progress: OnProgress,
    record: Callable[[Sequence[Row]], None],
) -> None:
    """Train a phase's network, and set its best weights by validation loss.

    Args:
        phase: The phase of the recipe.
        built: Its network.
        inputs: Its data and loss.
        folder: Where its state is saved; training resumes from a state found there.
        seed: Seed of dropout.
        on_progress: Called after each batch.
        record: Called after each epoch with the figures of all epochs.

    Raises:
        SetupError: The loss is not finite, or the folder can't be written.
    """
    keras.utils.set_random_seed(seed)
    stages, training_model = phase.stages, built.training_model
    saved = read_schedule_state(folder / STATE)
    schedule_state, rows = saved or (initial_state(stages), [])
    if saved:
        restore(folder / STATE, training_model.variables)
    loop: Loop | None = None
    while schedule_state.stage < len(stages):
        stage = stages[schedule_state.stage]
        if schedule_state.epoch_of_stage == 0 and schedule_state.epoch:
            built.assign(load_weights(_best(folder, schedule_state)))
        if loop is None or schedule_state.epoch_of_stage == 0:
            loop = _compiled(phase, built, stage, inputs.loss)
            if schedule_state.epoch_of_stage:  # the run was stopped within a stage
                restore(folder / STATE, _state(training_model))
        if not stage.decay:
            training_model.optimizer.learning_rate = schedule_state.learning_rate
        started = time.monotonic()
        figures = _epoch(phase, loop, inputs, schedule_state, on_progress)
        figures["seconds"] = time.monotonic() - started
        after = after_epoch(schedule_state, stages, figures["val_loss"])
        rows.append(_row(phase, schedule_state, figures))
        by_one(partial(_save, built, folder, after, rows))
        record(rows)
        schedule_state = after
    built.assign(load_weights(_best(folder, schedule_state)))


def _save(built: Built, folder: Path, schedule_state: ScheduleState, rows: Sequence[Row]) -> None:
    """Save an epoch's result; the best weights are written before the state that names them."""
    best = _best(folder, schedule_state)
    if schedule_state.best_epoch == schedule_state.epoch:
        save_weights(best, built.weights())
    save_state(folder / STATE, _state(built.training_model), schedule_state, rows)
    for other in folder.glob("best-*.safetensors"):
        if other != best:
            other.unlink()


def _best(folder: Path, schedule_state: ScheduleState) -> Path:
    return folder / f"best-{schedule_state.best_epoch}.safetensors"


def _compiled(phase: Phase, built: Built, stage: Stage, loss: keras.losses.Loss) -> Loop:
    training_model, releases = built.training_model, [each.release for each in phase.stages]
    if any(release.needs_initial_weights for release in releases):
        freeze_below(built.scoring, stage.release, phase.frozen)
    metrics = []
    if phase.learns == "tags":
        metrics = [
            keras.metrics.AUC(curve="ROC", name="roc_auc"),
            keras.metrics.AUC(curve="PR", name="pr_auc"),
        ]
    trained = training_model.trainable_variables
    optimizer = make_optimizer(stage, _factors(built, stage, trained))
    training_model.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    training_model.optimizer.build(trained)
    return Loop(training_model)


def _factors(built: Built, stage: Stage, trained: Sequence[keras.Variable]) -> list[float]:
    if stage.release.first_layer_rate == 1:
        return [1.0] * len(trained)
    return rate_factors(built.scoring, stage.release, trained)


def _state(training_model: keras.Model) -> list[keras.Variable]:
    """Return all variables that training changes, including dropout seeds; the network's first."""
    metrics = {id(each) for each in training_model.metrics_variables}
    own = [each for each in training_model.variables if id(each) not in metrics]
    return [*own, *training_model.optimizer.variables]


def _epoch(
    phase: Phase,
    loop: Loop,
    inputs: TrainingInputs,
    schedule_state: ScheduleState,
    on_progress: OnProgress,
) -> dict[str, float]:
    stages, now = phase.stages, schedule_state.stage

    def on_batch(step: int, steps: int, loss: float) -> None:
        epoch, epochs = schedule_state.epoch_of_stage + 1, stages[now].epochs
        on_progress(Step(phase.name, now + 1, len(stages), epoch, epochs, step, steps, loss))

    figures = loop.train(inputs.epochs(schedule_state.epoch), on_batch)
    validated = loop.validate(inputs.validation)
    figures |= {f"val_{name}": value for name, value in validated.items()}
    if not np.isfinite(figures["val_loss"]) or not np.isfinite(figures["loss"]):
        raise SetupError(
            f"phase {phase.name!r}, epoch {schedule_state.epoch + 1}: the loss is not a finite "
            "number; try a lower learning rate, or float32 instead of mixed precision"
        )
    return figures


def _row(phase: Phase, schedule_state: ScheduleState, figures: dict[str, float]) -> Row:
    return {
        "phase": phase.name,
        "epoch": schedule_state.epoch + 1,
        "stage": schedule_state.stage + 1,
        "learning_rate": schedule_state.learning_rate,
        **{name: round(value, 6) for name, value in sorted(figures.items())},
    }
