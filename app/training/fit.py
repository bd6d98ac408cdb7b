"""One phase of a training: epoch after epoch, each kept, so that a killed run goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from app.errors import SetupError
from app.training.networks import Built
from app.training.recipe import Phase, Stage
from app.training.schedule import Standing, after_epoch, beginning
from app.training.states import (
    Row,
    load_weights,
    read_standing,
    restore,
    save_state,
    save_weights,
)

STATE, BEST = "state.safetensors", "best.safetensors"

Epochs = Callable[[int], tuple[tf.data.Dataset, int]]
"""The batches of an epoch, by its number, and how many there are."""


@dataclass(frozen=True)
class Step:
    """How far a phase is, for whoever watches.

    Attributes:
        phase: Its name.
        stage: Number of the stage, from 1, of `stages`.
        epoch: Number of the epoch in the stage, from 1, of at most `epochs`.
        step: Batches of the epoch that are done, of `steps`.
        loss: Mean of the epoch so far.
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
    validation: tf.data.Dataset
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
    is_compiled = False
    while standing.stage < len(stages):
        stage = stages[standing.stage]
        if standing.epoch_of_stage == 0 and standing.epoch:
            built.assign(load_weights(folder / BEST))
        if standing.epoch_of_stage == 0 or not is_compiled:
            _compile(phase, trainee, stage, material.loss)
        if standing.epoch_of_stage and not is_compiled:
            restore(folder / STATE, _state(trainee))
        is_compiled = True
        if not stage.decay:
            trainee.optimizer.learning_rate = standing.learning_rate
        figures = _epoch(phase, trainee, material, standing, watch)
        after = after_epoch(standing, stages, figures["val_loss"])
        if after.best_loss < standing.best_loss:
            save_weights(folder / BEST, built.weights())
        rows.append(_row(phase, standing, figures))
        standing = after
        save_state(folder / STATE, _state(trainee), standing, rows)
        record(rows)
    built.assign(load_weights(folder / BEST))


def _compile(phase: Phase, trainee: keras.Model, stage: Stage, loss: keras.losses.Loss) -> None:
    metrics = []
    if phase.learns == "tags":
        metrics = [
            keras.metrics.AUC(curve="ROC", name="roc_auc"),
            keras.metrics.AUC(curve="PR", name="pr_auc"),
        ]
    trainee.compile(optimizer=_optimizer(stage), loss=loss, metrics=metrics)
    trainee.optimizer.build(trainee.trainable_variables)


def _optimizer(stage: Stage) -> keras.optimizers.Optimizer:
    rate: object = stage.learning_rate
    if stage.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, stage.decay)
    if stage.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)


def _state(trainee: keras.Model) -> list[keras.Variable]:
    """All that an epoch changes, the seeds of dropout among it; the network's own come first."""
    return [*trainee.variables, *trainee.optimizer.variables]


def _epoch(
    phase: Phase, trainee: keras.Model, material: Material, standing: Standing, watch: Watch
) -> dict[str, float]:
    dataset, steps = material.epochs(standing.epoch)
    history = trainee.fit(
        dataset,
        validation_data=material.validation,
        verbose=0,
        callbacks=[_Watching(phase, standing, steps, watch)],
    )
    figures = {name: float(values[-1]) for name, values in history.history.items()}
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


class _Watching(keras.callbacks.Callback):
    """Tells after each batch how far the epoch is."""

    def __init__(self, phase: Phase, standing: Standing, steps: int, watch: Watch) -> None:
        super().__init__()
        self._phase, self._standing = phase, standing
        self._steps, self._watch = steps, watch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Pass it on."""
        stage = self._phase.stages[self._standing.stage]
        self._watch(
            Step(
                self._phase.name,
                self._standing.stage + 1,
                len(self._phase.stages),
                self._standing.epoch_of_stage + 1,
                stage.epochs,
                batch + 1,
                self._steps,
                float((logs or {}).get("loss", 0.0)),
            )
        )
