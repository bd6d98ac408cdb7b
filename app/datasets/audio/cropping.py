"""Which stretch of a track is heard, and its windows, in samples."""

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from app.domain import Samples
from app.store.manifest.tables import Table

FULL_SCALE = 32_768
"""The sample of an audio store that means 1."""


class Crops(Table):
    """What of a track an epoch hears, by the thesis's names (section 8), in seconds.

    `start_cut`, `end_cut`: never heard. `random_crop`: a stretch so long, elsewhere each time;
    none for the whole track. `windows`: all of the stretch, `overlap` of each heard again in the
    next (its `melgram_hop` of 1.5 s for windows of 3 s), or one at a random place.
    """

    start_cut: float = Field(5.0, ge=0)
    end_cut: float = Field(5.0, ge=0)
    random_crop: Annotated[float, Field(gt=0)] | None = 30.0
    windows: Literal["all", "one"] = "all"
    overlap: float = Field(0.5, ge=0, lt=1)


def crop_bounds(
    length: int, sample_rate: int, window: int, crops: Crops, rng: np.random.Generator
) -> tuple[int, int]:
    """First sample of a track's stretch, and the one behind its last.

    Where the cuts would leave less than a window they shrink, both by the same share.
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
    """First samples of all windows that fit; a stretch that is shorter than a window has one.

    Ten seconds have three windows of 5 s with a hop of 2.5 s; the thesis's example counts a fourth,
    which would reach beyond the end.
    """
    return np.arange(0, max(length - window, 0) + 1, hop, dtype=np.int64)


def window_at(track: npt.NDArray[np.int16], start: int, window: int) -> Samples:
    """A window, (window,) within -1..1; a track that is shorter is repeated, as the service does.

    Args:
        track: Of an audio store, (samples,).
        start: The window's first sample.
        window: Its length.
    """
    cut = track[start : start + window]
    whole = cut if len(cut) == window else np.resize(track, window)
    return whole.astype(np.float32) / np.float32(FULL_SCALE)
