"""Progress is shown batch by batch though the loss is read seldom, and a loss of NaN is noticed."""

from functools import partial

import keras
import numpy as np
import pytest

from app.training.cluster import seldom
from app.training.fit import Step
from app.training.loop import LOSS_READ_EACH, Loop
from tests.training.test_pipeline import WINDOW, feed

BATCHES = 2 * LOSS_READ_EACH + 5


@pytest.fixture
def trainee() -> keras.Model:
    """A network that learns nothing: its loss says which batches it was given."""
    model = keras.Sequential([keras.Input((WINDOW,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mean_absolute_error")
    return model


def test_each_batch_is_told_and_the_loss_as_it_was_read_last(trainee: keras.Model) -> None:
    told: list[tuple[int, int, float]] = []
    figures = Loop(trainee).train(feed(2 * BATCHES, 2), lambda *step: told.append(step))
    assert [step[:2] for step in told] == [(done + 1, BATCHES) for done in range(BATCHES)]
    losses = [step[2] for step in told]
    anew = [1 + at for at in range(BATCHES) if at == 0 or losses[at] != losses[at - 1]]
    assert anew == [1, 1 + LOSS_READ_EACH, 1 + 2 * LOSS_READ_EACH, BATCHES]
    assert losses[-1] == pytest.approx(figures["loss"])


@pytest.mark.parametrize("method", ["train", "validate"])
def test_a_loss_that_is_no_number_is_in_the_figures_of_the_epoch(
    trainee: keras.Model, method: str
) -> None:
    trainee.layers[-1].bias.assign([np.nan])
    run = getattr(Loop(trainee), method)
    figures = run(feed(6, 2), lambda *_: None) if method == "train" else run(feed(6, 2))
    assert np.isnan(figures["loss"])


def test_a_cluster_s_first_process_sends_a_step_each_second_and_the_last_of_an_epoch() -> None:
    now, sent = 0.0, list[tuple[int, int]]()
    step = partial(Step, "tags", 1, 1, epochs=2, steps=1_000, loss=0.5)
    watch = seldom(lambda each: sent.append((each.epoch, each.step)), lambda: now)
    for epoch in (1, 2):
        for number in range(1, 1_001):
            watch(step(epoch=epoch, step=number))
            now += 1 / 256  # which adds up without rounding
    steps = [number for epoch, number in sent if epoch == 1]
    assert steps == [1, 257, 513, 769, 1_000]
    assert sent[-1] == (2, 1_000)
    assert len(sent) <= 10
