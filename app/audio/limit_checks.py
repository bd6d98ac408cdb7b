"""Checks a file against the limits, and refuses it beyond them."""

from app.audio.limits import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_DECODED_SHARE,
    MIN_SAMPLE_RATE,
    NOISE_FLOOR,
    ROUNDING_S,
    AudioLimits,
)
from app.audio.refusals import Number, Reason, RefusedFileError


def check_sample_rate(sample_rate: int) -> None:
    """Refuse a sample rate, in Hz, outside the supported range.

    Raises:
        RefusedFileError: `unsupported_audio`.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise RefusedFileError(Reason.SAMPLE_RATE, {"sample_rate": sample_rate})


def check_channels(channels: int) -> None:
    """Refuse more than `MAX_CHANNELS` channels.

    Raises:
        RefusedFileError: `unsupported_audio`.
    """
    if channels > MAX_CHANNELS:
        raise RefusedFileError(Reason.CHANNELS, {"channels": channels})


def check_duration(duration_s: float, limits: AudioLimits, announced_s: float | None) -> None:
    """Refuse a track that is too long.

    Args:
        duration_s: A lower bound of its duration, in seconds.
        limits: See `AudioLimits`.
        announced_s: The duration in its header, in seconds, if there is one.

    Raises:
        RefusedFileError: `audio_too_long`.
    """
    if duration_s <= limits.max_duration_s + ROUNDING_S:
        return
    numbers: dict[Number, float] = {"max_duration_s": limits.max_duration_s}
    if announced_s is not None and announced_s > limits.max_duration_s:
        numbers["duration_s"] = announced_s
    raise RefusedFileError(Reason.TOO_LONG, numbers)


def check_samples(samples: float, sample_rate: int, channels: int, limits: AudioLimits) -> None:
    """Refuse more samples, of all channels together, than are decoded of a track.

    Args:
        samples: A lower bound of their number.
        sample_rate: In Hz.
        channels: The number of channels.
        limits: See `AudioLimits`.

    Raises:
        RefusedFileError: `unsupported_audio`.
    """
    if samples > limits.max_samples:
        longest_s = limits.max_samples / (sample_rate * channels)
        raise RefusedFileError(
            Reason.SAMPLES,
            {"channels": channels, "sample_rate": sample_rate, "longest_s": longest_s},
        )


def check_decoded_length(decoded_s: float, announced_s: float | None, limits: AudioLimits) -> None:
    """Refuse a track that is too short, or of which too little can be decoded.

    Args:
        decoded_s: The decoded duration, in seconds.
        announced_s: The announced duration of a damaged file, in seconds; None if it is whole.
        limits: See `AudioLimits`.

    Raises:
        RefusedFileError: `audio_too_short` or `undecodable_audio`.
    """
    if announced_s is not None and (
        decoded_s < max(limits.min_duration_s, MIN_DECODED_SHARE * announced_s)
    ):
        raise RefusedFileError(Reason.CUT, {"decoded_s": decoded_s, "announced_s": announced_s})
    if decoded_s < limits.min_duration_s:
        raise RefusedFileError(
            Reason.TOO_SHORT,
            {"duration_s": decoded_s, "min_duration_s": limits.min_duration_s},
        )


def check_loudness(peak: float) -> None:
    """Refuse a track without a sample above the noise floor.

    Args:
        peak: The largest magnitude of its samples.

    Raises:
        RefusedFileError: `silent_audio`.
    """
    if peak < NOISE_FLOOR:
        raise RefusedFileError(Reason.SILENT)
