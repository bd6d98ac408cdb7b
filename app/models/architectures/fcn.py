"""FCN: five convolutions, each followed by a pooling, down to a single position.

Choi, Fazekas & Sandler, "Automatic tagging using deep convolutional neural networks", ISMIR 2016
(arXiv:1606.00298), in the form of Won et al., SMC 2020 (arXiv:2006.00751). Poolings drop an
incomplete rest: of the published 1,813 frames the network uses the first 1,685, mostly 1,280.
"""

from collections.abc import Sequence

import keras
from keras import layers

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import Size, batch_norm, conv_block_2d, spectrogram, tag_scores
from app.spectra import Decibels, Mel, MelScale, Spectrum

FRONT_END = FrontEnd(
    16_000,
    Spectrum(
        (512,), 256, bands=Mel(96, 0.0, 8_000.0, MelScale.HTK, by_area=False), log=Decibels(1e-10)
    ),
)
WINDOW_SAMPLES = 464_000

CHANNELS = (64, 128, 128, 128, 64)
POOLS = ((4, 2), (4, 2), (4, 2), (5, 3), (4, 4))

TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{f"layer{number}.conv": f"conv_{number}" for number in range(1, len(CHANNELS) + 1)},
    **{f"layer{number}.bn": f"conv_{number}_bn" for number in range(1, len(CHANNELS) + 1)},
    "dense": "tags",
}


def fcn(
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
        x = conv_block_2d(x, filters, pool, f"conv_{number}")
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    return keras.Model(melgram, tag_scores(x, n_tags), name="fcn")
