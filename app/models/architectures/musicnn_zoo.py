"""MusiCNN as it was trained again for an evaluation of many networks.

Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020
(arXiv:2006.00751), after Pons et al., ISMIR 2018 (arXiv:1711.02520). It differs from `musicnn`:
kernel sizes are odd, normalisation comes before the ReLU, the input of the temporal filters is the
mean of all bands, and maxima and means over time do not alternate.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.models.architectures.fcn import FRONT_END
from app.models.blocks.convolutions import (
    batch_norm,
    dense_head,
    drop_features,
    spectrogram,
)

__all__ = ["FRONT_END", "TORCH_LAYERS", "WINDOW_SAMPLES", "musicnn_zoo"]

WINDOW_SAMPLES = 48_000

TIMBRAL_HEIGHTS = (0.7, 0.4)
"""As a share of the mel axis."""
TEMPORAL_LENGTHS = (129, 65, 33)
"""In frames."""

_BRANCHES = ("timbral_1", "timbral_2", "temporal_1", "temporal_2", "temporal_3")
TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{f"layers.{number}.conv": branch for number, branch in enumerate(_BRANCHES)},
    **{f"layers.{number}.bn": f"{branch}_bn" for number, branch in enumerate(_BRANCHES)},
    **{f"layer{number}.conv": f"mid_{number}" for number in (1, 2, 3)},
    **{f"layer{number}.bn": f"mid_{number}_bn" for number in (1, 2, 3)},
    "dense1": "hidden",
    "bn": "hidden_bn",
    "dense2": "tags",
}


def musicnn_zoo(
    n_tags: int,
    window: Sequence[int],
    timbral_channels: int = 204,
    temporal_channels: int = 51,
    mid_channels: int = 64,
    hidden_units: int = 200,
    conv_dropout: float = 0.0,
) -> keras.Model:
    """Build the network: window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        timbral_channels: Filters of each height of `TIMBRAL_HEIGHTS`.
        temporal_channels: Filters of each length of `TEMPORAL_LENGTHS`.
        mid_channels: Channels of each of the three middle convolutions; 512 for the Million Song
            Dataset.
        hidden_units: Width of the layer before the last; 500 for the Million Song Dataset.
        conv_dropout: Rate of dropout after each convolution of the front; the thesis has .1.

    Raises:
        ValueError: The window has another number of axes.
    """
    melgram, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    timbre = [
        _timbral(x, int(height * x.shape[2]), timbral_channels, f"timbral_{number}")
        for number, height in enumerate(TIMBRAL_HEIGHTS, start=1)
    ]
    rhythm = [
        _conv_1d(ops.mean(x, axis=2), temporal_channels, length, f"temporal_{number}")
        for number, length in enumerate(TEMPORAL_LENGTHS, start=1)
    ]
    front = drop_features(ops.concatenate([*timbre, *rhythm], axis=-1), conv_dropout)
    mid_1 = _conv_1d(front, mid_channels, 7, "mid_1")
    mid_2 = ops.add(mid_1, _conv_1d(mid_1, mid_channels, 7, "mid_2"))
    mid_3 = ops.add(mid_2, _conv_1d(mid_2, mid_channels, 7, "mid_3"))
    x = ops.concatenate([front, mid_1, mid_2, mid_3], axis=-1)
    x = ops.concatenate([ops.max(x, axis=1), ops.mean(x, axis=1)], axis=-1)
    return keras.Model(melgram, dense_head(x, n_tags, hidden_units), name="musicnn_zoo")


def _timbral(x: KerasTensor, height: int, channels: int, name: str) -> KerasTensor:
    """Return the maximum over pitch: (batch, frames, mels, 1) -> (batch, frames, channels)."""
    x = layers.ZeroPadding2D((3, 0))(x)
    x = layers.Conv2D(channels, (7, height), name=name)(x)
    return ops.max(ops.relu(batch_norm(x, f"{name}_bn")), axis=2)


def _conv_1d(x: KerasTensor, channels: int, length: int, name: str) -> KerasTensor:
    """Convolve over time: (batch, frames, any) -> (batch, frames, channels)."""
    x = layers.Conv1D(channels, length, padding="same", name=name)(x)
    return ops.relu(batch_norm(x, f"{name}_bn"))
