"""Short-chunk CNN with residuals: pairs of convolutions with strides instead of poolings.

Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020
(arXiv:2006.00751), after the residual networks of He et al. (arXiv:1512.03385). Its shortcuts are
convolutions by 3 x 3 instead of 1 x 1, which have a third of all weights.
"""

from collections.abc import Sequence

import keras
from keras import ops

from app.models.architectures.short_chunk_cnn import CHANNELS, FRONT_END, WINDOW_SAMPLES
from app.models.blocks.convolutions import (
    batch_norm,
    dense_head,
    drop_features,
    residual_2d,
    spectrogram,
)

__all__ = ["FRONT_END", "TORCH_LAYERS", "WINDOW_SAMPLES", "short_chunk_res"]

_CONVOLUTIONS = {"1": "1", "2": "2", "3": "shortcut"}

TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{
        f"layer{number}.{kind}_{theirs}": f"residual_{number}_{ours}{suffix}"
        for number in range(1, len(CHANNELS) + 1)
        for theirs, ours in _CONVOLUTIONS.items()
        for kind, suffix in (("conv", ""), ("bn", "_bn"))
    },
    "dense1": "hidden",
    "bn": "hidden_bn",
    "dense2": "tags",
}


def short_chunk_res(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    hidden_units: int = 512,
    conv_dropout: float = 0.0,
) -> keras.Model:
    """Build the network: window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels): each pair of convolutions halves both, and rounds up.
        channels: Channels of each pair of convolutions.
        hidden_units: Width of the layer before the last.
        conv_dropout: Rate of dropout after each residual block; the thesis has .1.

    Raises:
        ValueError: The window has another shape, or is too small.
    """
    melgram, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, filters in enumerate(channels, start=1):
        x = drop_features(residual_2d(x, filters, f"residual_{number}", strides=2), conv_dropout)
    x = ops.max(x, axis=(1, 2))
    return keras.Model(melgram, dense_head(x, n_tags, hidden_units), name="short_chunk_res")
