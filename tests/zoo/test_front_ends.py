"""Front ends that no published network has: from their data to scores, through every engine."""

import numpy as np
import pytest

from app.constant_q import ConstantQ
from app.domain import Backend, Precision, Waveform
from app.front_ends import FrontEnd, WindowSpec
from app.inference.frozen_features import FrozenFeatureExtractor
from app.inference.selection import HAS_OPENVINO, EnginePreference, choose
from app.inference.waveform_engine import WaveformEngine
from app.spectra import Decibels, Mel, Spectrum
from app.store.manifest.manifest import Manifest, ModelSpec, read_store
from app.store.registry.loading import load
from app.store.registry.publishing import publish
from app.store.storage.store import Store
from testing.random_models import TAGS, random_weights, sounds

pytestmark = pytest.mark.thorough

DECIBELS = Decibels(1e-10)
MELS = Mel(64, 0.0, 8_000.0)
SHORT_CHUNK = ("short_chunk_cnn", {"channels": [8] * 4, "hidden_units": 16}, 120)
SAMPLE_CNN = ("sample_cnn", {"channels": [8] * 11}, 59_049)
CASES = {
    "constant-q": (
        FrontEnd(
            22_050,
            Spectrum((16_384,), 512, power=1.0, bands=ConstantQ(84, 12, 32.703, 1.0), log=DECIBELS),
        ),
        SHORT_CHUNK,
    ),
    "derivatives": (
        FrontEnd(16_000, Spectrum((512,), 256, bands=MELS, log=DECIBELS, cepstrum=20, deltas=2)),
        SHORT_CHUNK,
    ),
    "envelope": (FrontEnd(16_000, envelope=101), SAMPLE_CNN),
    "stereo": (FrontEnd(16_000, channels=2), SAMPLE_CNN),
}
"""Each with an architecture, its arguments, and the frames of a window."""


@pytest.fixture(scope="module", params=CASES)
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, Manifest]:
    front, (architecture, arguments, frames) = CASES[request.param]
    spec = ModelSpec.model_validate(
        {
            "name": request.param,
            "summary": "Random weights.",
            "architecture": {"name": architecture, "arguments": arguments},
            "front_end": front,
            "window": {"frames": frames, "hop_frames": frames},
            "tags": {"family": "random", "names": TAGS},
            "source": {"description": "Random.", "url": "", "licence": "MIT", "citation": ""},
        }
    )
    store = Store(tmp_path_factory.mktemp("front-ends"))
    window_spec = WindowSpec(front, frames, frames)
    publish(store, spec, random_weights(architecture, window_spec, arguments))
    return store, read_store(store)[request.param]


@pytest.mark.parametrize("backend", ["openvino", "tensorflow"])
def test_a_published_model_is_served_with_the_scores_of_its_graph(
    published: tuple[Store, Manifest], backend: str
):
    if backend == "openvino" and not HAS_OPENVINO:
        pytest.skip("openvino is not installed")
    store, manifest = published
    front, window_spec = manifest.front_end, manifest.window_spec
    track = np.concatenate(list(sounds(window_spec)))[: 3 * window_spec.window_samples + 4_096]

    extractor = FrozenFeatureExtractor(front)
    engine = choose(store, manifest, extractor, EnginePreference(backend, "float32"))

    scores = engine.scores(Waveform(track, front.sample_rate))
    expected = np.asarray(load(store, manifest).graph(track[np.newaxis])["windows"])
    assert manifest.front_end == CASES[manifest.name][0]
    assert engine.backend is Backend(backend)
    assert len(scores) >= 3
    assert np.median(np.ptp(expected, axis=0)) > 0.1
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)


def test_stretches_of_its_waveform_have_the_scores_of_its_graph(published: tuple[Store, Manifest]):
    store, manifest = published
    window_spec, model = manifest.window_spec, load(store, manifest)
    track = np.concatenate(list(sounds(window_spec)))[: 3 * window_spec.window_samples + 4_096]

    scores = WaveformEngine(model, Precision.FLOAT32).scores(
        Waveform(track, manifest.front_end.sample_rate)
    )

    expected = np.asarray(model.graph(track[np.newaxis])["windows"])
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)
