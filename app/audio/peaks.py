"""Computes peaks, from which a page draws a track's waveform without decoding it."""

import numpy as np

from app.domain import PEAK_FULL_SCALE, PEAK_PAIRS, Peaks, Samples


def peaks_of(samples: Samples) -> Peaks:
    """Return the minimum and maximum of each of `PEAK_PAIRS` segments, equally long to a sample.

    They are rounded outwards, so that no sample lies outside its pair, and clipped to full scale.
    If there are fewer samples than segments, neighbouring segments share a sample. Those of a
    stereo track are those of its mono mix, so that they don't depend on the model.

    Args:
        samples: (samples,) or (samples, 2) float32, at least one sample.

    Returns:
        (PEAK_PAIRS, 2) int8, within -PEAK_FULL_SCALE..PEAK_FULL_SCALE.
    """
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    starts = np.arange(PEAK_PAIRS) * len(samples) // PEAK_PAIRS
    minima = np.minimum.reduceat(samples, starts).astype(np.float64)
    maxima = np.maximum.reduceat(samples, starts).astype(np.float64)
    pairs = np.stack(
        [np.floor(PEAK_FULL_SCALE * minima), np.ceil(PEAK_FULL_SCALE * maxima)], axis=1
    )
    return pairs.clip(-PEAK_FULL_SCALE, PEAK_FULL_SCALE).astype(np.int8)
