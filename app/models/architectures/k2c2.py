"""k2c2: square filters and poolings down to a single position, without hidden dense layers.

Choi, Fazekas, Sandler & Cho, "Convolutional recurrent neural networks for music classification",
ICASSP 2017 (arXiv:1609.04243): kernels of two dimensions, convolutions over two. It is their FCN
of 2016 with ELUs. The channels here are those of the network of a million parameters. Those of .1,
.25, .5 and 3 million have (20, 41, 41, 62, 83), (33, 66, 66, 100, 133), (47, 95, 95, 142, 190) and
(118, 236, 236, 355, 473). The normalisation of the input is ours.
"""

from collections.abc import Sequence

import keras

from app.models.blocks.convolutions import Size, batch_norm, spectrogram
from app.models.blocks.elu_convolutions import (
    FRONT_END,
    WINDOW_SAMPLES,
    conv_elu,
    dense_head_elu,
)

__all__ = ["FRONT_END", "WINDOW_SAMPLES", "k2c2"]

CHANNELS = (67, 135, 135, 203, 271)
POOLS = ((4, 2), (4, 2), (4, 2), (5, 3), (4, 4))
"""(frames, mels): 1,280 by 96 become one. Incomplete pools at the end are dropped."""
KERNEL = 3


def k2c2(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    pools: Sequence[Size] = POOLS,
) -> keras.Model:
    """Build the network: window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        channels: Channels of each convolution.
        pools: The pooling after each convolution, (frames, mels).

    Raises:
        ValueError: The window has another shape, or is too small.
    """
    melgram, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, (filters, pool) in enumerate(zip(channels, pools, strict=True), start=1):
        x = conv_elu(x, filters, f"conv_{number}", kernel=KERNEL, pool=pool)
    return keras.Model(melgram, dense_head_elu(x, n_tags, ()), name="k2c2")
