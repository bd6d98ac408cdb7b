"""One phase of a training: epoch after epoch, each kept, so that a killed run goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from app.errors import SetupError
from app.training.loop import Loop
from app.training.networks import Built
from app.training.pipeline import Feed
from app.training.recipe import Phase, Stage
from app.training.replicas import by_one
from app.training.schedule import Standing, after_epoch, beginning
from app.training.states import (
    Row,
    load_weights,
    read_standing,
    restore,
    save_state,
    save_weights,
)

STATE = "state.safetensors"

Epochs = Callable[[int], Feed]
"""The batches of an epoch, by its number."""


@dataclass(frozen=True)
class Step:
    """How far a phase is, for whoever watches.

    Attributes:
        phase: Its name.
        stage: Number of the stage, from 1, of `stages`.
        epoch: Number of the epoch in the stage, from 1, of at most `epochs`.
        step: Batches of the epoch that are done, of `steps`.
        loss: Mean of the epoch so far, as it was read last.
    """

    phase: str
    stage: int
    stages: int
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float


Watch = Callable[[Step], None]


@dataclass(frozen=True, eq=False)
class Material:
    """What a phase learns from.

    Attributes:
        epochs: Its training.
        validation: Its validation.
        loss: What is minimised.
    """

    epochs: Epochs
    validation: Feed
    loss: keras.losses.Loss


def fit(
    phase: Phase,
    built: Built,
    material: Material,
    folder: Path,
    *,
    seed: int,
    watch: Watch,
    record: Callable[[Sequence[Row]], None],
) -> None:
    """Train a phase's network, and leave it with its best weights by validation loss.

    Args:
        phase: What the recipe says.
        built: Its network.
        material: What it learns from.
        folder: Where its state is kept; one that holds a state goes on from there.
        seed: Of dropout.
        watch: Told after each batch.
        record: Told after each epoch, with the figures of all epochs.

    Raises:
        SetupError: The loss is no number any more, or the folder can't be written.
    """
    keras.utils.set_random_seed(seed)
    stages, trainee = phase.stages, built.trainee
    kept = read_standing(folder / STATE)
    standing, rows = kept or (beginning(stages), [])
    if kept:
        restore(folder / STATE, trainee.variables)
    loop: Loop | None = None
    while standing.stage < len(stages):
        stage = stages[standing.stage]
        if standing.epoch_of_stage == 0 and standing.epoch:
            built.assign(load_weights(_best(folder, standing)))
        if loop is None or standing.epoch_of_stage == 0:
            loop = _compiled(phase, trainee, stage, material.loss)
            if standing.epoch_of_stage:  # it was stopped amid a stage
                restore(folder / STATE, _state(trainee))
        if not stage.decay:
            trainee.optimizer.learning_rate = standing.learning_rate
        figures = _epoch(phase, loop, material, standing, watch)
        after = after_epoch(standing, stages, figures["val_loss"])
        rows.append(_row(phase, standing, figures))
        by_one(partial(_keep, built, folder, after, rows))
        record(rows)
        standing = after
    built.assign(load_weights(_best(folder, standing)))


def _keep(built: Built, folder: Path, standing: Standing, rows: Sequence[Row]) -> None:
    """Keep what an epoch made; the state names the best weights, and is written when they are."""
    best = _best(folder, standing)
    if standing.best_epoch == standing.epoch:
        save_weights(best, built.weights())
    save_state(folder / STATE, _state(built.trainee), standing, rows)
    for other in folder.glob("best-*.safetensors"):
        if other != best:
            other.unlink()


def _best(folder: Path, standing: Standing) -> Path:
    return folder / f"best-{standing.best_epoch}.safetensors"


def _compiled(phase: Phase, trainee: keras.Model, stage: Stage, loss: keras.losses.Loss) -> Loop:
    metrics = []
    if phase.learns == "tags":
        metrics = [
            keras.metrics.AUC(curve="ROC", name="roc_auc"),
            keras.metrics.AUC(curve="PR", name="pr_auc"),
        ]
    trainee.compile(optimizer=_optimizer(stage), loss=loss, metrics=metrics)
    trainee.optimizer.build(trainee.trainable_variables)
    return Loop(trainee)


def _optimizer(stage: Stage) -> keras.optimizers.Optimizer:
    rate: object = stage.learning_rate
    if stage.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, stage.decay)
    if stage.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)


def _state(trainee: keras.Model) -> list[keras.Variable]:
    """All that epochs change, the seeds of dropout among it; the network's own come first."""
    measured = {id(each) for each in trainee.metrics_variables}
    own = [each for each in trainee.variables if id(each) not in measured]
    return [*own, *trainee.optimizer.variables]


def _epoch(
    phase: Phase, loop: Loop, material: Material, standing: Standing, watch: Watch
) -> dict[str, float]:
    stages, now = phase.stages, standing.stage

    def told(step: int, steps: int, loss: float) -> None:
        epoch, epochs = standing.epoch_of_stage + 1, stages[now].epochs
        watch(Step(phase.name, now + 1, len(stages), epoch, epochs, step, steps, loss))

    figures = loop.train(material.epochs(standing.epoch), told)
    validated = loop.validate(material.validation)
    figures |= {f"val_{name}": value for name, value in validated.items()}
    if not np.isfinite(figures["val_loss"]) or not np.isfinite(figures["loss"]):
        raise SetupError(
            f"phase {phase.name!r}: the loss is no number any more in epoch {standing.epoch + 1}; "
            "a lower learning rate helps, or float32 where the precision is mixed"
        )
    return figures


def _row(phase: Phase, standing: Standing, figures: dict[str, float]) -> Row:
    return {
        "phase": phase.name,
        "epoch": standing.epoch + 1,
        "stage": standing.stage + 1,
        "learning_rate": standing.learning_rate,
        **{name: round(value, 6) for name, value in sorted(figures.items())},
    }
