"""k1c2: convolutions along time in each band, then dense layers over all bands.

Choi, Fazekas, Sandler & Cho, "Convolutional recurrent neural networks for music classification",
ICASSP 2017 (arXiv:1609.04243): kernels of one dimension, convolutions over two. The widths here
are those of the network that they say has a million parameters; for 50 tags it has 944,633. Those
of .1, .25, .5 and 3 million have (15, 30), (23, 47), (33, 66) and (81, 163) in place of (47, 95).
The normalisation of the input is ours.
"""

from collections.abc import Sequence

import keras

from app.models.blocks.convolutions import batch_norm, spectrogram
from app.models.blocks.elu_convolutions import (
    FRONT_END,
    WINDOW_SAMPLES,
    conv_elu,
    dense_head_elu,
)

__all__ = ["FRONT_END", "WINDOW_SAMPLES", "k1c2"]

CHANNELS = (47, 47, 95, 95)
HIDDEN_UNITS = (95, 95)
POOLS = (4, 5, 8, 8)
"""In frames: 1,280 become one. Incomplete pools at the end are dropped."""
KERNEL = (4, 1)


def k1c2(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    hidden_units: Sequence[int] = HIDDEN_UNITS,
    pools: Sequence[int] = POOLS,
) -> keras.Model:
    """Build the network: window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        channels: Channels of each convolution.
        hidden_units: Width of each dense layer before the last.
        pools: The pooling after each convolution, in frames.

    Raises:
        ValueError: The window has another shape, or is too small.
    """
    melgram, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, (filters, pool) in enumerate(zip(channels, pools, strict=True), start=1):
        x = conv_elu(x, filters, f"conv_{number}", kernel=KERNEL, pool=(pool, 1))
    return keras.Model(melgram, dense_head_elu(x, n_tags, hidden_units), name="k1c2")
