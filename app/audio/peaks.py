"""Samples to peaks: what a page needs to draw a track's waveform without decoding it."""

import numpy as np

from app.domain import PEAK_FULL_SCALE, PEAK_PAIRS, Peaks, Samples


def peaks_of(samples: Samples) -> Peaks:
    """The least and the greatest sample of each of `PEAK_PAIRS` stretches, equal to within one.

    They are rounded outwards, so that no sample lies beyond its stretch's pair, and clipped to full
    scale. Where there are fewer samples than stretches, neighbours show the same one.

    Args:
        samples: (samples,), one or more.
    """
    starts = np.arange(PEAK_PAIRS) * len(samples) // PEAK_PAIRS
    least = np.minimum.reduceat(samples, starts).astype(np.float64)
    greatest = np.maximum.reduceat(samples, starts).astype(np.float64)
    pairs = np.stack(
        [np.floor(PEAK_FULL_SCALE * least), np.ceil(PEAK_FULL_SCALE * greatest)], axis=1
    )
    return pairs.clip(-PEAK_FULL_SCALE, PEAK_FULL_SCALE).astype(np.int8)
