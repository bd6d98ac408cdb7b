"""The constant-Q transform as convolutions, one an octave.

librosa resamples the track for each octave, which needs all of it. Here the filters of an octave
are as long as its lowest band's, so that the work halves with each octave upwards and a part of a
track is enough.
"""

from collections.abc import Iterator

import numpy as np
from keras import KerasTensor, ops
from librosa.filters import wavelet
from librosa.util import pad_center

from app.constant_q import ConstantQ


def constant_q(
    x: KerasTensor, bands: ConstantQ, length: int, hop: int, sample_rate: int
) -> KerasTensor:
    """Compute magnitudes, those of `librosa.cqt`.

    Args:
        x: (batch, samples, 1).
        bands: The bands.
        length: Samples that a frame depends on, even; its filters are centred there.
        hop: Samples between two frames.
        sample_rate: In Hz.

    Returns:
        (batch, frames, bands, 1).
    """
    octaves = []
    for filters in _filters(bands, sample_rate):
        spare = length - len(filters)
        part = x[:, spare // 2 : -(spare // 2) or None]
        kernel = np.concatenate([filters.real, filters.imag], axis=1).astype(np.float32)
        parts = ops.conv(part, kernel[:, np.newaxis], strides=hop, padding="valid")
        real, imaginary = ops.split(parts, 2, axis=-1)
        octaves.append(ops.sqrt(ops.square(real) + ops.square(imaginary)))
    return ops.expand_dims(ops.concatenate(octaves, axis=-1), -1)


def _filters(bands: ConstantQ, sample_rate: int) -> Iterator[np.ndarray]:
    """Yield the complex filters of each octave, (samples, bands), from the lowest up.

    The lowest octave may be incomplete.
    """
    pitches = bands.pitch_min * 2 ** (np.arange(bands.n_bins) / bands.bins_per_octave)
    first = bands.n_bins % bands.bins_per_octave
    for octave in np.split(pitches, range(first, bands.n_bins, bands.bins_per_octave)):
        if not len(octave):
            continue
        filters, lengths = wavelet(
            freqs=octave,
            sr=sample_rate,
            filter_scale=bands.filter_scale,
            norm=1,
            pad_fft=False,
            gamma=0,
            alpha=bands.bandwidth,
        )
        even = pad_center(filters, size=2 * ((filters.shape[1] + 1) // 2), axis=1)
        yield (even * np.sqrt(lengths)[:, np.newaxis]).T
