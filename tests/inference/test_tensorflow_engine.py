from pathlib import Path

import numpy as np
import pytest

from app.domain import Samples, Waveform
from app.inference.tensorflow_engine import TensorFlowEngine
from app.models.track_model import WINDOWS_PER_STEP
from app.store.golden import golden_waveform
from app.store.loading import TrackModel, load
from app.store.manifest import read_store

RATE = 16_000
WINDOW = 186 * 256
"""Samples of the shortest track that fills a window."""


@pytest.fixture(scope="module")
def model(store: Path) -> TrackModel:
    return load(store, read_store(store)["mtt-vgg"])


@pytest.fixture(scope="module")
def engine(model: TrackModel) -> TensorFlowEngine:
    return TensorFlowEngine(model)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return golden_waveform(4, 40.0, RATE)


@pytest.mark.parametrize("seconds", [3.0, 7.5, 3.0 * WINDOWS_PER_STEP, 40.0])
def test_a_track_of_any_length_scores_as_its_model_does(
    seconds: float, engine: TensorFlowEngine, model: TrackModel, samples: Samples
):
    track = samples[: round(seconds * RATE)]

    scores = engine.scores(Waveform(track, RATE))

    assert scores.dtype == np.float32
    assert scores.shape == (int(seconds / 2.992), 50)
    np.testing.assert_allclose(scores, model.graph(track[np.newaxis])["windows"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("length", [RATE // 2, RATE, WINDOW // 2 + 1, WINDOW - 1])
def test_a_track_shorter_than_a_window_is_scored_as_if_repeated_to_fill_it(
    length: int, engine: TensorFlowEngine, samples: Samples
):
    short = samples[:length]
    filled = np.concatenate([short] * (WINDOW // length + 1))[:WINDOW]

    scores = engine.scores(Waveform(short, RATE))

    assert scores.shape == (1, 50)
    np.testing.assert_allclose(scores, engine.scores(Waveform(filled, RATE)), rtol=0, atol=1e-6)


def test_another_sample_rate_is_refused_rather_than_heard_at_the_wrong_pitch(
    engine: TensorFlowEngine, samples: Samples
):
    with pytest.raises(ValueError, match="mtt-vgg/1 hears 16000 Hz, not 44100 Hz"):
        engine.scores(Waveform(samples, 44_100))


def test_the_same_track_scores_the_same_whatever_was_heard_before(
    engine: TensorFlowEngine, samples: Samples
):
    track = Waveform(samples[: 10 * RATE], RATE)
    before = engine.scores(track)

    engine.scores(Waveform(np.full(5 * RATE, 1e3, np.float32), RATE))
    engine.scores(Waveform(samples, RATE))

    np.testing.assert_allclose(engine.scores(track), before, rtol=0, atol=1e-6)
