"""k2c1: filters over all bands, then convolutions along time only, then dense layers.

Choi, Fazekas, Sandler & Cho, "Convolutional recurrent neural networks for music classification",
ICASSP 2017 (arXiv:1609.04243): kernels of two dimensions, convolutions over one. The widths here
are those of the network of a million parameters. Those of .1, .25, .5 and 3 million have (43, 87),
(72, 145), (106, 212) and (265, 535) in place of (152, 304). The normalisation of the input is ours.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops

from app.models.blocks.convolutions import batch_norm, spectrogram
from app.models.blocks.elu_convolutions import FRONT_END, WINDOW_SAMPLES, dense_head_elu
from app.models.blocks.sample_level import max_pool

__all__ = ["FRONT_END", "WINDOW_SAMPLES", "k2c1"]

CHANNELS = (152, 152, 152, 304, 304)
HIDDEN_UNITS = (304, 304)
POOLS = (4, 4, 4, 4, 5)
"""In frames: 1,280 become one. Incomplete pools at the end are dropped."""
KERNEL = 4


def k2c1(
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
    _, frames, bins, resolutions = x.shape
    x = ops.reshape(x, (-1, frames, bins * resolutions))
    for number, (filters, pool) in enumerate(zip(channels, pools, strict=True), start=1):
        name = f"conv_{number}"
        x = layers.Conv1D(filters, KERNEL, padding="same", name=name)(x)
        x = max_pool(ops.elu(batch_norm(x, f"{name}_bn")), pool)
    return keras.Model(melgram, dense_head_elu(x, n_tags, hidden_units), name="k2c1")
