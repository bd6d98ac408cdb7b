"""All descriptors of a track."""

from dataclasses import dataclass

import numpy as np

from app.descriptors.frames import check_waveform, log_mels, magnitude_blocks
from app.descriptors.key import THIRDS, Key, measure_key, sum_pitch_classes
from app.descriptors.loudness import Loudness, measure_loudness
from app.descriptors.rhythm import Tempo, measure_envelope, measure_onset_rate, measure_tempo
from app.descriptors.spectral import SpectralShape, measure_frames, summarise
from app.domain import Samples

SHAPE_STEP = 4
"""The shape of the spectrum is that of every fourth frame: they are half a frame apart."""


@dataclass(frozen=True)
class Descriptors:
    """The descriptors of a track.

    Attributes:
        sample_rate: The rate of the waveform that they were measured on, in Hz.
        duration_s: Its length, in seconds.
        tempo: The tempo, with half and double of it.
        key: The key; None for silence and noise.
        loudness: Loudness and true peak.
        onsets_per_s: Number of onsets per second.
        spectrum: The shape of the spectrum; None for silence.
    """

    sample_rate: int
    duration_s: float
    tempo: Tempo
    key: Key | None
    loudness: Loudness
    onsets_per_s: float
    spectrum: SpectralShape | None


def measure_descriptors(samples: Samples, sample_rate: int) -> Descriptors:
    """Return the descriptors of a waveform.

    Args:
        samples: (samples,) float32, mono, nominally within -1..1.
        sample_rate: In Hz, at least 16,000.

    Raises:
        ValueError: The waveform is empty, not mono or not finite, or its rate is too low.
    """
    check_waveform(samples, sample_rate)
    mels, shapes = [], []
    pitch_classes = np.zeros(12 * THIRDS)
    for magnitudes in magnitude_blocks(samples):
        mels.append(log_mels(magnitudes, sample_rate))
        shapes.append(measure_frames(magnitudes[:, ::SHAPE_STEP], sample_rate))
        pitch_classes += sum_pitch_classes(magnitudes, sample_rate)
    envelope = measure_envelope(np.concatenate(mels, axis=1), sample_rate)
    return Descriptors(
        sample_rate=sample_rate,
        duration_s=len(samples) / sample_rate,
        tempo=measure_tempo(envelope, sample_rate),
        key=measure_key(pitch_classes),
        loudness=measure_loudness(samples, sample_rate),
        onsets_per_s=measure_onset_rate(envelope, sample_rate),
        spectrum=summarise(shapes),
    )
