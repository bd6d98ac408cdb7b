"""The stages of inference as plain library calls, with which the service is compared."""

import io

import numpy as np
import soundfile
import soxr

from app.domain import Samples, Scores, Waveform, Windows
from app.front_ends import WindowSpec
from app.inference.engine import Engine
from app.inference.features import FeatureExtractor, WindowStream

RATE = 16_000
"""The sample rate of all published models, in Hz."""


def decoded(file: bytes) -> tuple[Samples, int]:
    """A stereo file's samples, (frames, 2), and their rate."""
    samples, rate = soundfile.read(io.BytesIO(file), dtype="float32")
    return samples, rate


def resampled(samples: Samples, rate: int) -> Waveform:
    """Mono, at the models' rate."""
    mono = (samples[:, 0] + samples[:, 1]) / 2
    return Waveform(soxr.resample(mono, rate, RATE, quality="HQ"), RATE)


def windows_of(waveform: Waveform, extractor: FeatureExtractor, window_spec: WindowSpec) -> Windows:
    """All windows of a track."""
    pieces = WindowStream(extractor, [window_spec]).pieces(waveform.samples, complete=True)
    return np.concatenate([windows for _, windows in pieces])


def scores_of(engine: Engine, windows: Windows) -> Scores:
    """All scores of a track, in batches of the size that suits the engine."""
    size = engine.batch_windows
    return np.concatenate(
        [engine.score(windows[start : start + size]) for start in range(0, len(windows), size)]
    )
