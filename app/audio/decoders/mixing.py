"""Mixes the channels of a file to mono or stereo.

The mean of the two channels of the stereo mix is the mono mix, which is the mean of all channels.
"""

from collections.abc import Sequence

import numpy as np

from app.domain import Samples

SIDES = ("C", "LR", "LRC", "LRLR", "LRCLR", "LRCCLR", "LRCCCLR", "LRCCLRLR")
"""The side of each channel by their number: left, right or centre. Files don't always say which
channel is which; this is the usual order in WAV files and of FFmpeg, as 5.1 for six channels."""

SHARES = {"L": (2.0, 0.0), "C": (1.0, 1.0), "R": (0.0, 2.0)}
"""The weights of a side in the left and the right channel, before they are divided by the number of
channels."""


def mix(channels: Sequence[Samples], count: int) -> Samples:
    """Return the mono mix of channels, (frames,), or the stereo mix, (frames, 2).

    Args:
        channels: At least one, and at most one for each letter of the longest of `SIDES`.
        count: 1 for mono, 2 for stereo.
    """
    return _mix_to_mono(channels) if count == 1 else _mix_to_stereo(channels)


def _mix_to_mono(channels: Sequence[Samples]) -> Samples:
    """Return the mean of the channels; a sum in place is ten times as fast as `mean`."""
    first, *others = channels
    mono = first + others.pop() if others else first.copy()
    for channel in others:
        mono += channel
    mono *= np.float32(1 / len(channels))
    return mono


def _mix_to_stereo(channels: Sequence[Samples]) -> Samples:
    """Return mono twice, stereo as it is, and more channels by their sides."""
    stereo = np.zeros((len(channels[0]), 2), np.float32)
    for channel, side in zip(channels, SIDES[len(channels) - 1], strict=True):
        for number, share in enumerate(SHARES[side]):
            if share:
                stereo[:, number] += np.float32(share / len(channels)) * channel
    return stereo
