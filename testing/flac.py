"""FLAC of a constant level: some hundred bytes that decode to as many samples as one likes."""

from functools import cache

from testing.corpus.flac import (
    APPLICATION,
    LARGEST_BLOCK,
    LAST,
    STREAMINFO,
    constant_frame,
    metadata,
    streaminfo,
)

LEVEL = 40
"""Of 8 bits, so that the sound is not silent."""


def constant_flac(
    seconds: float,
    rate: int = 384_000,
    channels: int = 8,
    announced_s: float | None = None,
    comment: bytes = b"",
) -> bytes:
    """Write a FLAC of 8 bits in which each frame holds one level a channel.

    Args:
        seconds: Duration of the decoded audio, in whole frames.
        rate: In Hz, below 655,360 Hz.
        channels: Up to 8.
        announced_s: Duration in its header; none: the true one.
        comment: Makes it differ from other files of the same sound.
    """
    announced = round((seconds if announced_s is None else announced_s) * rate)
    info = streaminfo(announced, rate=rate, channels=channels, bits=8)
    blocks = metadata(STREAMINFO, info) + metadata(APPLICATION | LAST, comment)
    count = round(seconds * rate) // LARGEST_BLOCK + 1
    return b"fLaC" + blocks + b"".join(_frame(number, channels) for number in range(count))


@cache
def _frame(number: int, channels: int) -> bytes:
    form = bytes([0x70, (channels - 1) << 4 | 1 << 1])  # its length follows; the rate is known
    return constant_frame(number, form, bytes([0, LEVEL]) * channels)
