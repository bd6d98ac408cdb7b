"""Choose the crop of a track and its windows, in samples."""

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from app.domain import Samples
from app.samples import ShortTrack
from app.store.manifest.tables import Table

FULL_SCALE = 32_768
"""The int16 sample value that stands for 1.0."""


class Crops(Table):
    """Which part of a track an epoch uses, by the thesis's names (section 8), in seconds.

    `start_cut`, `end_cut`: never used. `random_crop`: the length of the crop, at another position
    each time; None for the whole track. `windows`: all of the crop, overlapping by the share
    `overlap` (the thesis's `melgram_hop` of 1.5 s for windows of 3 s), or one at random.
    `short_track`: how a track that is shorter than a window fills one; the thesis pads with zeros.
    """

    start_cut: float = Field(5.0, ge=0)
    end_cut: float = Field(5.0, ge=0)
    random_crop: Annotated[float, Field(gt=0)] | None = 30.0
    windows: Literal["all", "one"] = "all"
    overlap: float = Field(0.5, ge=0, lt=1)
    short_track: ShortTrack = ShortTrack.REPEAT


def crop_bounds(
    length: int, sample_rate: int, window: int, crops: Crops, rng: np.random.Generator
) -> tuple[int, int]:
    """Return the first sample of a track's crop, and the one after its last.

    If the cuts would leave less than a window, both shrink by the same share.

    Args:
        length: Length of the track, in samples.
        sample_rate: Sample rate of the track, in Hz.
        window: Length of the model's window, in samples.
        crops: Which part of a track is used.
        rng: Draws the position of the crop.
    """
    start, end = (round(cut * sample_rate) for cut in (crops.start_cut, crops.end_cut))
    spare = max(length - window, 0)
    if start + end > spare:
        start, end = start * spare // (start + end), end * spare // (start + end)
    first, last = start, length - end
    if crops.random_crop is not None:
        wanted = max(round(crops.random_crop * sample_rate), window)
        first += int(rng.integers(0, max(last - first - wanted, 0) + 1))
        last = min(first + wanted, last)
    return first, last


def window_starts(length: int, window: int, hop: int) -> npt.NDArray[np.int64]:
    """Return the first samples of all windows that fit; a crop shorter than a window has one.

    Ten seconds have three windows of 5 s with a hop of 2.5 s; the thesis's example counts a fourth,
    which would extend beyond the end.

    Args:
        length: Length of the crop, in samples.
        window: Length of the model's window, in samples.
        hop: From the start of one window to that of the next, in samples.

    Returns:
        (windows,) int64, relative to the crop's first sample.
    """
    return np.arange(0, max(length - window, 0) + 1, hop, dtype=np.int64)


def window_at(
    track: npt.NDArray[np.int16],
    start: int,
    window: int,
    short_track: ShortTrack = ShortTrack.REPEAT,
) -> Samples:
    """Return a window, (window,) or in stereo (window, 2), float32 in -1..1.

    Args:
        track: A track of an audio store, (samples,) or (samples, 2) int16.
        start: The window's first sample.
        window: Its length, in samples.
        short_track: How a track that is shorter fills it.
    """
    cut = short_track.fill(track[start : start + window].astype(np.float32), window)
    return cut / np.float32(FULL_SCALE)
