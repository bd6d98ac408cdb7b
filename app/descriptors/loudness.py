"""Loudness (ITU-R BS.1770-4, EBU Tech 3342) and true peak of a mono waveform."""

import math
from dataclasses import dataclass

import numpy as np
import pyloudnorm
from scipy.signal import resample_poly

from app.domain import Samples

BLOCK_S = 0.4
"""The length of a block of the integrated loudness."""
MIN_RANGE_S = 20.0
"""The shortest track with a loudness range. pyloudnorm appends 1.5 s of silence, as EBU Tech 3342
advises; in a shorter track it would count as quiet music."""

OVERSAMPLING = 4
CHUNK = 2**20
"""Samples that are oversampled at a time."""
MARGIN = 64
"""Samples around them, longer than half of the filter."""


@dataclass(frozen=True)
class Loudness:
    """The loudness of a track; of silence, and of too short tracks, it is None.

    Attributes:
        integrated_lufs: The integrated loudness, in LUFS; None below .4 s.
        range_lu: The loudness range, in LU; None below 20 s.
        true_peak_dbtp: The true peak, in dBTP.
    """

    integrated_lufs: float | None
    range_lu: float | None
    true_peak_dbtp: float | None


def measure_loudness(samples: Samples, sample_rate: int) -> Loudness:
    """Return the loudness of a waveform, (samples,), as of one channel.

    The stereo original of a mono mix has about 3 LU more if both channels are alike.
    """
    meter = pyloudnorm.Meter(sample_rate)
    duration_s = len(samples) / sample_rate
    integrated = meter.integrated_loudness(samples) if duration_s >= BLOCK_S else -math.inf
    spread = meter.loudness_range(samples) if duration_s >= MIN_RANGE_S else math.nan
    return Loudness(_finite(integrated), _finite(spread), measure_true_peak(samples))


def measure_true_peak(samples: Samples) -> float | None:
    """Return the largest magnitude after oversampling, in dBTP; None for silence."""
    highest = 0.0
    for start in range(0, len(samples), CHUNK):
        first = max(0, start - MARGIN)
        chunk = samples[first : start + CHUNK + MARGIN]
        oversampled = np.abs(resample_poly(chunk, OVERSAMPLING, 1))
        # The margins belong to other chunks, and end abruptly.
        own = slice((start - first) * OVERSAMPLING, (start - first + CHUNK) * OVERSAMPLING)
        highest = max(highest, float(oversampled[own].max()))
    return 20 * math.log10(highest) if highest > 0 else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
