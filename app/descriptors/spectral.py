"""The shape of a track's spectrum, as statistics over its frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np

from app.descriptors.frames import N_FFT, SILENCE, Magnitudes, Rows, Statistic

CONTRAST_F_MIN = 200.0
"""Upper edge of the lowest band of the contrast, in Hz; each further band is an octave."""

CONTRAST_BANDS = 7
PASS_BAND = 7 / 8
"""The share of the spectrum that flatness and contrast are measured in: in the rest, the filters of
resamplers fall off, and every track has a deep valley."""

VALUES = 4 + CONTRAST_BANDS
"""The values of a frame."""


@dataclass(frozen=True)
class SpectralShape:
    """The shape of the spectrum, which depends on the sample rate.

    Attributes:
        centroid_hz: The mean frequency, weighted by magnitude.
        bandwidth_hz: The standard deviation of the frequency, weighted likewise.
        rolloff_hz: The frequency below which 85 % of the magnitude is.
        flatness: The geometric mean of the power by its arithmetic mean: 1 for white noise.
        contrast_db: The difference of peaks and valleys in each of seven bands, the lowest first.
    """

    centroid_hz: Statistic
    bandwidth_hz: Statistic
    rolloff_hz: Statistic
    flatness: Statistic
    contrast_db: tuple[Statistic, ...]


def measure_frames(magnitudes: Magnitudes, sample_rate: int) -> Rows:
    """Return the values of each frame that is not silent, a row for each value."""
    sound = magnitudes[:, magnitudes.max(axis=0) > SILENCE]
    if not sound.shape[1]:
        return np.empty((VALUES, 0), np.float32)
    passed = sound[: int(len(sound) * PASS_BAND)]
    features = librosa.feature
    centroid = features.spectral_centroid(S=sound, sr=sample_rate)
    rows = [
        centroid,
        features.spectral_bandwidth(S=sound, sr=sample_rate, centroid=centroid),
        features.spectral_rolloff(S=sound, sr=sample_rate),
        features.spectral_flatness(S=passed),
        features.spectral_contrast(
            S=passed,
            freq=librosa.fft_frequencies(sr=sample_rate, n_fft=N_FFT)[: len(passed)],
            sr=sample_rate,
            fmin=CONTRAST_F_MIN,
            n_bands=CONTRAST_BANDS - 1,
        ),
    ]
    return np.concatenate(rows, dtype=np.float32)


def summarise(blocks: Sequence[Rows]) -> SpectralShape | None:
    """Return the statistics of blocks of frames, or None if all frames are silent."""
    rows = np.concatenate(blocks, axis=1)
    if not rows.shape[1]:
        return None
    centroid, bandwidth, rolloff, flatness, *contrast = map(Statistic.of, rows)
    return SpectralShape(centroid, bandwidth, rolloff, flatness, tuple(contrast))
