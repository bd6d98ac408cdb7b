"""Every architecture through every engine: the scores of its graph, alone and in any company."""

import numpy as np
import pytest

from app.domain import Precision, Samples, Scores, Waveform, Windows
from app.inference.engine import Engine
from app.inference.features import make_stream
from app.inference.selection import HAS_OPENVINO
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.inference.waveform_engine import WaveformEngine
from app.models import architectures
from app.store.manifest.manifest import read_store
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store
from testing.random_models import sounds
from tests.zoo.conftest import model_name

pytestmark = pytest.mark.thorough

if HAS_OPENVINO:
    from app.inference.openvino_engine import OpenVINOEngine

TOLERANCE = 1e-4
WINDOWS = 5
KINDS = ("openvino", "tensorflow", "waveform")


@pytest.fixture(scope="module", params=architectures())
def model(request: pytest.FixtureRequest, zoo: Store) -> TrackModel:
    """One after the other."""
    return load(zoo, read_store(zoo)[model_name(request.param)])


@pytest.fixture(scope="module")
def track(model: TrackModel) -> Samples:
    """Five windows long, and none like another."""
    window_spec = model.manifest.window_spec
    frames = window_spec.window_frames + (WINDOWS - 1) * window_spec.hop_frames
    long = np.concatenate(list(sounds(window_spec)))
    return long[: window_spec.front.samples(frames)]


@pytest.fixture(scope="module")
def graphs_scores(model: TrackModel, track: Samples) -> Scores:
    """What its Keras graph gives, from the waveform on."""
    return np.asarray(model.graph(track[np.newaxis])["windows"])


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_scores_like_the_graph_and_a_batch_like_its_windows_alone(
    kind: str, model: TrackModel, track: Samples, graphs_scores: Scores
):
    if kind == "openvino" and not HAS_OPENVINO:
        pytest.skip("openvino is not installed")
    engine = _engine(kind, model)
    windows = _windows(engine, track)

    scores = engine.scores(Waveform(track, model.manifest.front_end.sample_rate))
    together = engine.score(windows)
    alone = np.concatenate([engine.score(windows[index : index + 1]) for index in range(WINDOWS)])

    assert scores.shape == (WINDOWS, 50)
    assert np.median(np.ptp(graphs_scores, axis=0)) > 0.1, "else windows cannot be distinguished"
    np.testing.assert_allclose(scores, graphs_scores, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(together, scores, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(alone, together, rtol=0, atol=TOLERANCE)


def _engine(kind: str, model: TrackModel) -> Engine:
    if kind == "waveform":
        return WaveformEngine(model, Precision.FLOAT32)
    extractor = TensorFlowFeatureExtractor(model.manifest.front_end)
    if kind == "openvino":
        return OpenVINOEngine(model, Precision.FLOAT32, extractor)
    return TensorFlowEngine(model, Precision.FLOAT32, extractor)


def _windows(engine: Engine, track: Samples) -> Windows:
    stream = make_stream(engine.extractor, [engine.window_spec])
    return np.concatenate([windows for _, windows in stream.pieces(track, complete=True)])
