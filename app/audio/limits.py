"""What a file may be: the sizes that keep decoding bounded."""

from dataclasses import dataclass

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 384_000
MAX_CHANNELS = 8

MAX_MAGNITUDE = 1e3
"""Far above any real overshoot; broken MP3 frames decode to 1e8, which overflows when squared."""

NOISE_FLOOR = 1e-3
"""A peak below -60 dBFS counts as silence."""


@dataclass(frozen=True)
class AudioLimits:
    """Bounds that an operator sets, and the rate that the models hear.

    Attributes:
        sample_rate: What every file is resampled to, in Hz.
        min_duration_s: Shortest track.
        max_duration_s: Longest track.
    """

    sample_rate: int
    min_duration_s: float
    max_duration_s: float
