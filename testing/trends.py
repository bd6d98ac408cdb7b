"""Whether something grows: the slope of a series over time, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FEWEST = 6
"""Blocks that a slope can be laid through."""

RESAMPLES = 2_000
CONFIDENCE_PERCENT = 95

Series = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trend:
    """How a quantity changed.

    Attributes:
        per_hour: The slope, by least squares.
        low: The lower end of its 95 % interval.
        high: The upper end.
        hours: The time from the first to the last block.
        spread: The difference of the largest and the smallest value of the blocks.
    """

    per_hour: float
    low: float
    high: float
    hours: float
    spread: float

    @property
    def grows(self) -> bool:
        """Whether the interval holds growth only."""
        return self.low > 0


def fit_trend(at_s: Sequence[float], values: Sequence[float], block: int) -> Trend | None:
    """Return the trend of what is held permanently; None if the series is too short.

    The lowest value of each block counts: what a request holds for a moment is not growth. The
    interval is a bootstrap of moving blocks of residuals (Kunsch 1989), as measurements that follow
    each other are alike: the standard error of least squares would be too small.

    Args:
        at_s: The moments of the values, in seconds, rising.
        values: The values.
        block: How many values are a block.
    """
    starts = range(0, len(values) - block + 1, block)
    lowest = [start + int(np.argmin(values[start : start + block])) for start in starts]
    if len(lowest) < FEWEST:
        return None
    hours = (np.array(at_s, float)[lowest] - at_s[lowest[0]]) / 3600
    held = np.array(values, float)[lowest]
    centred = hours - hours.mean()
    slope = _slopes(centred, held)
    residuals = held - held.mean() - slope * centred
    slopes = slope + _slopes(centred, _resample(residuals))
    tail = (100 - CONFIDENCE_PERCENT) / 2
    low, high = np.percentile(slopes, [tail, 100 - tail])
    return Trend(
        float(slope), float(low), float(high), float(hours[-1]), float(held.max() - held.min())
    )


def _slopes(centred: Series, values: Series) -> Series:
    """Return the slopes of least squares of series in rows."""
    slopes: Series = values @ centred / (centred @ centred)
    return slopes


def _resample(residuals: Series) -> Series:
    """Return series of random stretches of the residuals, (RESAMPLES, n)."""
    count = len(residuals)
    length = max(2, round(count**0.5))
    rng = np.random.default_rng(1)
    starts = rng.integers(0, count - length + 1, (RESAMPLES, -(-count // length)))
    picked = starts[:, :, None] + np.arange(length)
    return residuals[picked.reshape(RESAMPLES, -1)[:, :count]]
