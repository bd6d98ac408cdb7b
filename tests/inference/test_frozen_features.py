"""Frames from TensorFlow's C library are those of kapre's layers in TensorFlow's package."""

from pathlib import Path

import numpy as np
import pytest

from app.constant_q import ConstantQ
from app.domain import Waveform, Windows
from app.front_ends import FrontEnd
from app.inference import frozen_features, tensorflow_library
from app.inference.frozen_features import FrozenFeatureExtractor, make_extractor
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.inference.tensorflow_library import GraphRunner
from app.models import architectures
from app.spectra import Decibels, Mel, Spectrum

FRONTS = {each.front_end: name for name, each in reversed(architectures().items())}
"""The published ones, each with the first architecture that has it."""

OTHERS = {
    "constant-q": FrontEnd(
        22_050, Spectrum((16_384,), 512, bands=ConstantQ(84, 12, 32.703, 1.0), log=Decibels(1e-10))
    ),
    "derivatives": FrontEnd(
        16_000,
        Spectrum(
            (512,), 256, bands=Mel(64, 0.0, 8_000.0), log=Decibels(1e-10), cepstrum=20, deltas=2
        ),
    ),
    "envelope": FrontEnd(16_000, envelope=401),
    "stereo": FrontEnd(16_000, envelope=401, channels=2),
}
"""No published network has these."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize(
    "front",
    [
        pytest.param(front, id=name, marks=[] if name == "fcn" else [pytest.mark.thorough])
        for front, name in FRONTS.items()
    ]
    + [pytest.param(front, id=name) for name, front in OTHERS.items()],
)
def test_frames_equal_those_of_the_package(front: FrontEnd, music: Waveform) -> None:
    samples = music.samples[: 20 * front.sample_rate]
    if front.channels == 2:
        samples = np.stack([samples, samples[::-1]], axis=1)
    ours, theirs = FrozenFeatureExtractor(front), TensorFlowFeatureExtractor(front)
    last = front.frames(len(samples))
    pieces = [(0, min(50, last)), (last // 2, last // 2 + 100), (max(0, last - 50), last)]

    for first, end in pieces:
        np.testing.assert_allclose(
            _amplitudes(ours.frames(samples, first, end), front),
            _amplitudes(theirs.frames(samples, first, end), front),
            rtol=1e-4,
            atol=1e-4,
        )


def _amplitudes(frames: Windows, front: FrontEnd) -> Windows:
    """Return amplitudes for decibels, which of quiet bands depend on the order of float sums."""
    spectrum = front.spectrum
    is_decibels = spectrum and isinstance(spectrum.log, Decibels) and not spectrum.cepstrum
    return 10 ** (frames / 20) if is_decibels else frames


def test_without_the_library_the_package_computes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tensorflow_library, "LIBRARIES", ("missing.so",))
    tensorflow_library.load_library.cache_clear()

    extractor = make_extractor(architectures()["musicnn"].front_end)

    tensorflow_library.load_library.cache_clear()
    assert isinstance(extractor, TensorFlowFeatureExtractor)
    assert "the package tensorflow is imported, as its library can't run: " in caplog.text


def test_with_a_gpu_the_package_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_features, "has_gpu", lambda: True)

    extractor = make_extractor(architectures()["musicnn"].front_end)

    assert isinstance(extractor, TensorFlowFeatureExtractor)


def test_a_graph_that_is_not_valid_is_refused_with_the_reason() -> None:
    with pytest.raises(RuntimeError, match="Invalid GraphDef"):
        GraphRunner(b"not a graph", "samples", "frames")
    with pytest.raises(RuntimeError, match="the graph has no operation 'samples'"):
        GraphRunner(b"", "samples", "frames")
