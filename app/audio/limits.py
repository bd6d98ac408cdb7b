"""What a file may be: the sizes that keep decoding bounded."""

from dataclasses import dataclass

from app.domain import Decoders

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 384_000
MAX_CHANNELS = 8

SAMPLES_A_SECOND = 384_000
"""Of all channels, over the longest track: as many as 192 kHz stereo has, or eight channels at
48 kHz. No file is decoded further, however short it is."""

ROUNDING_S = 1e-6

PADDING_S = 1.0
"""What an encoder's padding may add to the length that a header says."""

MAX_MAGNITUDE = 1e3
"""Far above any real overshoot; broken MP3 frames decode to 1e8, which overflows when squared."""

MAX_RESAMPLED_MAGNITUDE = 10 * MAX_MAGNITUDE
"""The same with what a resampler may add to it, amply."""

TOLERATED_S = 0.08
"""What encoders' delays and paddings may lack of the announced length."""

LEAST_SHARE = 0.1
"""Of the announced length: what has less of it is no track any more."""

NOISE_FLOOR = 1e-3
"""A peak below -60 dBFS counts as silence."""


@dataclass(frozen=True)
class AudioLimits:
    """Bounds that an operator sets, and the rate that the models hear.

    Attributes:
        sample_rate: What every file is resampled to, in Hz.
        min_duration_s: Shortest track.
        max_duration_s: Longest track.
        decoders: The libraries that may read it.
    """

    sample_rate: int
    min_duration_s: float
    max_duration_s: float
    decoders: Decoders = Decoders.ALL

    @property
    def max_samples(self) -> int:
        """The most samples of all channels that are decoded."""
        return round(self.max_duration_s * SAMPLES_A_SECOND)
