"""The stages of inference as plain library calls, with which the service is compared."""

import io

import numpy as np
import soundfile
import soxr

from app.domain import Samples, Scores, Waveform, Windows
from app.inference.engine import Engine
from app.inference.features import make_stream

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


def windows_of(waveform: Waveform, engine: Engine) -> Windows:
    """All windows of a track, as the engine takes them."""
    stream = make_stream(engine.extractor, [engine.window_spec])
    pieces = stream.pieces(waveform.samples, complete=True)
    return np.concatenate([windows for _, windows in pieces])


def scores_of(engine: Engine, windows: Windows) -> Scores:
    """All scores of a track, in batches of the size that suits the engine."""
    size = engine.batch_windows
    return np.concatenate(
        [engine.score(windows[start : start + size]) for start in range(0, len(windows), size)]
    )
