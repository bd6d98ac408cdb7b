"""CRNN: four convolutions that output a sequence of 18 steps, then two GRUs.

Choi, Fazekas, Sandler & Cho, "Convolutional recurrent neural networks for music classification",
ICASSP 2017 (arXiv:1609.04243), in the form of Won et al., SMC 2020 (arXiv:2006.00751). Only the
last step of the second GRU is scored. Their code always has 50 tags; here the number is free.
"""

from collections.abc import Sequence

import keras
from keras import layers

from app.models.architectures.fcn import FRONT_END, WINDOW_SAMPLES
from app.models.blocks.convolutions import Size, batch_norm, conv_block_2d, spectrogram, tag_scores

__all__ = ["FRONT_END", "TORCH_LAYERS", "WINDOW_SAMPLES", "crnn"]

CHANNELS = (64, 128, 128, 128)
POOLS = (2, 3, 4, 4)
GRU_UNITS = (32, 32)

TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{f"layer{number}.conv": f"conv_{number}" for number in range(1, len(CHANNELS) + 1)},
    **{f"layer{number}.bn": f"conv_{number}_bn" for number in range(1, len(CHANNELS) + 1)},
    **{f"layer5.l{number}": f"gru_{number + 1}" for number in range(len(GRU_UNITS))},
    "dense": "tags",
}


def crnn(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    pools: Sequence[Size] = POOLS,
    gru_units: Sequence[int] = GRU_UNITS,
) -> keras.Model:
    """Build the network: window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        channels: Channels of each convolution.
        pools: The pooling after each convolution, (frames, mels) or one number for both.
        gru_units: Width of each GRU.

    Raises:
        ValueError: The window has another shape, or is too small.
    """
    melgram, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, (filters, pool) in enumerate(zip(channels, pools, strict=True), start=1):
        x = conv_block_2d(x, filters, pool, f"conv_{number}")
    _, steps, bands, features = x.shape
    x = layers.Reshape((steps, bands * features))(x)
    for number, units in enumerate(gru_units, start=1):
        # PyTorch, and so the published weights, have the reset after the recurrent kernel.
        x = layers.GRU(units, return_sequences=True, reset_after=True, name=f"gru_{number}")(x)
    x = layers.Dropout(0.5)(x[:, -1])
    return keras.Model(melgram, tag_scores(x, n_tags), name="crnn")
