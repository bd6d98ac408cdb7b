"""What a file may be: the sizes that keep decoding bounded."""

from dataclasses import dataclass

from app.domain import Decoders
from app.errors import Kind, RequestError

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


def check_sample_rate(sample_rate: int) -> None:
    """Refuse a rate, in Hz, that no music has.

    Raises:
        RequestError: `unsupported_audio`.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO,
            f"The sample rate is {sample_rate} Hz; "
            f"send between {MIN_SAMPLE_RATE} and {MAX_SAMPLE_RATE} Hz.",
        )


def check_channels(channels: int) -> None:
    """Refuse more channels than we mix.

    Raises:
        RequestError: `unsupported_audio`.
    """
    if channels > MAX_CHANNELS:
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO,
            f"The file has {channels} channels; send at most {MAX_CHANNELS}.",
        )


def check_duration(duration_s: float, limits: AudioLimits, announced_s: float | None) -> None:
    """Refuse a track that is too long.

    Args:
        duration_s: How long it is at least.
        limits: See `AudioLimits`.
        announced_s: How long it is as its header says.

    Raises:
        RequestError: `audio_too_long`.
    """
    if duration_s <= limits.max_duration_s + ROUNDING_S:
        return
    extra: dict[str, object] = {"max_duration_s": limits.max_duration_s}
    if announced_s is not None and announced_s > limits.max_duration_s:
        extra["duration_s"] = round(announced_s, 3)
    raise RequestError(
        Kind.AUDIO_TOO_LONG,
        f"The track is longer than {limits.max_duration_s:g} s; send a shorter one.",
        extra,
    )


def check_samples(samples: float, sample_rate: int, channels: int, limits: AudioLimits) -> None:
    """Refuse more samples, of all channels, than are decoded of a track.

    Args:
        samples: How many there are at least.
        sample_rate: In Hz.
        channels: How many there are.
        limits: See `AudioLimits`.

    Raises:
        RequestError: `unsupported_audio`.
    """
    if samples > limits.max_samples:
        longest_s = limits.max_samples / (sample_rate * channels)
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO,
            f"The file holds too many samples: {channels} channels at {sample_rate} Hz are read "
            f"for {longest_s:.0f} s at most. Export it as 48 kHz stereo.",
        )
