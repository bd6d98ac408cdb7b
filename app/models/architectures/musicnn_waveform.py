"""MusiCNN on raw samples: sample-level convolutions, then three wide convolutions over time.

Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018 (arXiv:1711.02520),
layer by layer as in their released code: the convolutions before the middle are not padded, ReLUs
come before normalisations, and the second and third of the middle share one scale among all
channels, as their code normalises over an axis of length 1.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import tag_scores
from app.models.blocks.sample_level import max_pool, waveform
from app.models.folding import EPSILON

FRONT_END = FrontEnd(sample_rate=16_000)
WINDOW_SAMPLES = 48_000
"""Three seconds."""

CHANNELS = (64, 64, 64, 128, 128, 128, 256)
GRAIN = 3
"""Length of the filters and of the poolings, in samples."""
MID_LENGTH = 7
"""Length of the filters of the middle convolutions, in frames."""


def musicnn_waveform(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    mid_channels: int = 512,
    hidden_units: int = 500,
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        channels: Channels of each convolution: the one with strides of three samples, and those
            followed by a pooling by three.
        mid_channels: Channels of each of the three middle convolutions.
        hidden_units: Width of the layer before the last.

    Raises:
        ValueError: The window has another shape, or is too short.
    """
    inputs, x = waveform(window)
    for number, filters in enumerate(channels, start=1):
        name = f"conv_{number}"
        strides = GRAIN if number == 1 else 1
        _check_length(x, GRAIN)
        x = layers.Conv1D(filters, GRAIN, strides, activation="relu", name=name)(x)
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
        x = x if number == 1 else max_pool(x, GRAIN)
    x = _mid_end(x, mid_channels)
    # Maximum and mean of each channel side by side: max0, mean0, max1, mean1 ...
    x = layers.Flatten(name="pooled")(ops.stack([ops.max(x, axis=1), ops.mean(x, axis=1)], axis=-1))
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(hidden_units, activation="relu", name="hidden")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name="hidden_bn")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, tag_scores(x, n_tags), name="musicnn_waveform")


def _mid_end(x: KerasTensor, channels: int) -> KerasTensor:
    """Three convolutions over time, the later two residual, with a pooling by two between them.

    (batch, frames, any) -> (batch, (frames - 6) / 2, channels).
    """
    _check_length(x, MID_LENGTH + 1)
    x = layers.Conv1D(channels, MID_LENGTH, activation="relu", name="mid_1")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name="mid_1_bn")(x)
    x = max_pool(ops.add(x, _mid_conv(x, channels, "mid_2")), 2)
    return ops.add(x, _mid_conv(x, channels, "mid_3"))


def _mid_conv(x: KerasTensor, channels: int, name: str) -> KerasTensor:
    """Convolve over time, and normalise all channels together."""
    y = layers.Conv1D(channels, MID_LENGTH, padding="same", activation="relu", name=name)(x)
    normalise = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")
    return ops.squeeze(normalise(ops.expand_dims(y, -1)), axis=-1)


def _check_length(x: KerasTensor, least: int) -> None:
    """Raise `ValueError` if (batch, samples, channels) has fewer samples than a filter needs."""
    if x.shape[1] < least:
        raise ValueError(
            f"the window is too short: a filter of {least} has an input of {x.shape[1]}"
        )
