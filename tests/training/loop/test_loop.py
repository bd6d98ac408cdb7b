"""Progress is shown batch by batch though the loss is read seldom, and a loss of NaN is noticed."""

from functools import partial

import keras
import numpy as np
import pytest

from app.training.loop.epoch_loop import LOSS_READ_EACH, Loop
from app.training.loop.phase import Step
from app.training.run.cluster import throttled
from tests.training.data.test_batches import WINDOW, feed

BATCHES = 2 * LOSS_READ_EACH + 5


@pytest.fixture
def training_model() -> keras.Model:
    """A network without training: its loss identifies its batches."""
    model = keras.Sequential([keras.Input((WINDOW,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mean_absolute_error")
    return model


def test_each_batch_is_reported_with_the_last_loss_read(training_model: keras.Model) -> None:
    on_progress: list[tuple[int, int, float]] = []
    figures = Loop(training_model).train(
        feed(2 * BATCHES, 2), lambda *step: on_progress.append(step)
    )
    assert [step[:2] for step in on_progress] == [(done + 1, BATCHES) for done in range(BATCHES)]
    losses = [step[2] for step in on_progress]
    anew = [1 + at for at in range(BATCHES) if at == 0 or losses[at] != losses[at - 1]]
    assert anew == [1, 1 + LOSS_READ_EACH, 1 + 2 * LOSS_READ_EACH, BATCHES]
    assert losses[-1] == pytest.approx(figures["loss"])


@pytest.mark.parametrize("method", ["train", "validate"])
def test_a_loss_of_nan_is_in_the_figures_of_the_epoch(
    training_model: keras.Model, method: str
) -> None:
    training_model.layers[-1].bias.assign([np.nan])
    run = getattr(Loop(training_model), method)
    figures = run(feed(6, 2), lambda *_: None) if method == "train" else run(feed(6, 2))
    assert np.isnan(figures["loss"])


def test_a_cluster_s_first_process_sends_a_step_each_second_and_the_last_of_an_epoch() -> None:
    now, sent = 0.0, list[tuple[int, int]]()
    step = partial(Step, "tags", 1, 1, epochs=2, steps=1_000, loss=0.5)
    on_progress = throttled(lambda each: sent.append((each.epoch, each.step)), lambda: now)
    for epoch in (1, 2):
        for number in range(1, 1_001):
            on_progress(step(epoch=epoch, step=number))
            now += 1 / 256  # which adds up without rounding
    steps = [number for epoch, number in sent if epoch == 1]
    assert steps == [1, 257, 513, 769, 1_000]
    assert sent[-1] == (2, 1_000)
    assert len(sent) <= 10
