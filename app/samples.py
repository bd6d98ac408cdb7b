"""The samples of tracks as arrays: (samples,) for mono, (samples, channels) for stereo."""

from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


def sample_shape(channels: int) -> tuple[int, ...]:
    """Return the shape of a sample of a track: () if it is mono, or (channels,)."""
    return () if channels == 1 else (channels,)


def pad_time(
    track: Samples, before: int, after: int, mode: Literal["reflect", "constant"] = "constant"
) -> Samples:
    """Pad a track at its ends; by default with zeros.

    Args:
        track: (samples, ...).
        before: Samples to add before its start.
        after: Samples to add behind its end.
        mode: NumPy's name of the padding.
    """
    channels = [(0, 0)] * (track.ndim - 1)
    return np.pad(track, [(before, after), *channels], mode=mode)


class ShortTrack(StrEnum):
    """How a track that is shorter than a window fills one, as in the training of the model."""

    REPEAT = "repeat"
    PAD = "pad"

    def fill(self, track: Samples, samples: int) -> Samples:
        """Return a track of at least `samples` samples; a shorter one is repeated or padded."""
        if len(track) >= samples:
            return track
        if self is ShortTrack.PAD:  # with zeros
            return pad_time(track, 0, samples - len(track))
        return np.resize(track, (samples, *track.shape[1:]))
