"""Limits on audio files, which bound the cost of decoding."""

from dataclasses import dataclass

from app.domain import Decoders

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 384_000
MAX_CHANNELS = 8

SAMPLES_A_SECOND = 384_000
"""Samples of all channels in a second of the longest track: 192 kHz stereo, or eight channels at
48 kHz. Times the longest duration it bounds every file, also a shorter one."""

ROUNDING_S = 1e-6

PADDING_S = 1.0
"""The most seconds that an encoder's padding adds to the length in a header."""

MAX_MAGNITUDE = 1e3
"""Far above any real overshoot. Broken MP3 frames decode to 1e8, which overflows when squared."""

MAX_RESAMPLED_MAGNITUDE = 10 * MAX_MAGNITUDE
"""The highest magnitude after resampling, with an ample margin for its overshoot."""

TOLERATED_S = 0.08
"""Seconds by which a whole file may be shorter than announced: encoder delay and padding."""

MIN_DECODED_SHARE = 0.1
"""Share of the announced length; a file of which less can be decoded is refused."""

NOISE_FLOOR = 1e-3
"""A peak below -60 dBFS counts as silence."""


@dataclass(frozen=True)
class AudioLimits:
    """Limits that the operator sets, and the samples that models take.

    Attributes:
        sample_rate: The rate that every file is resampled to, in Hz.
        min_duration_s: Shortest track, in seconds.
        max_duration_s: Longest track, in seconds.
        decoders: The libraries that may decode it.
        channels: Every file is mixed to mono, 1, or to stereo, 2.
    """

    sample_rate: int
    min_duration_s: float
    max_duration_s: float
    decoders: Decoders = Decoders.ALL
    channels: int = 1

    @property
    def max_samples(self) -> int:
        """Return the most samples, of all channels together, that are decoded of a file."""
        return round(self.max_duration_s * SAMPLES_A_SECOND)
