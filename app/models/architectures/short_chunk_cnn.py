"""Short-chunk CNN: seven small convolutions with small poolings on less than four seconds.

Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020
(arXiv:2006.00751). The poolings leave one position. In longer windows they leave several, of which
the maximum is taken.
"""

from collections.abc import Sequence

import keras
from keras import ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import (
    batch_norm,
    conv_block_2d,
    dense_head,
    drop_features,
    spectrogram,
)
from app.spectra import Decibels, Mel, MelScale, Spectrum

FRONT_END = FrontEnd(
    16_000,
    Spectrum(
        (512,), 256, bands=Mel(128, 0.0, 8_000.0, MelScale.HTK, by_area=False), log=Decibels(1e-10)
    ),
)
WINDOW_SAMPLES = 59_049

CHANNELS = (128, 128, 256, 256, 256, 256, 512)

TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{f"layer{number}.conv": f"conv_{number}" for number in range(1, len(CHANNELS) + 1)},
    **{f"layer{number}.bn": f"conv_{number}_bn" for number in range(1, len(CHANNELS) + 1)},
    "dense1": "hidden",
    "bn": "hidden_bn",
    "dense2": "tags",
}


def short_chunk_cnn(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    hidden_units: int = 512,
    conv_dropout: float = 0.0,
) -> keras.Model:
    """Build the network: window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels): each convolution halves both.
        channels: Channels of each convolution.
        hidden_units: Width of the layer before the last.
        conv_dropout: Rate of dropout after each convolution and pooling; the thesis has .1.

    Raises:
        ValueError: The window has another shape, or is too small.
    """
    melgram, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, filters in enumerate(channels, start=1):
        x = drop_features(conv_block_2d(x, filters, 2, f"conv_{number}"), conv_dropout)
    x = ops.max(x, axis=(1, 2))
    return keras.Model(melgram, dense_head(x, n_tags, hidden_units), name="short_chunk_cnn")
