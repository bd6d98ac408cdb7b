"""SampleCNNs of two scales that are heard at their last three levels by one classifier.

Lee & Nam, "Multi-level and multi-scale feature aggregation using sample-level deep convolutional
neural networks for music classification", 2017 (arXiv:1706.06810), which takes to the waveform what
arXiv:1703.01793 does with mel spectrograms. They train each SampleCNN by itself, average its
features over the pieces of a whole song, and train the classifier on these averages. Here all is
one graph, and averages are over the pieces of a window: of 59,049 samples the net of threes hears
one piece, and the net of twos three of 16,384, the rest being dropped.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks import tag_scores
from app.models.sample_blocks import global_max_pool, sample_level, waveform

FRONT_END = FrontEnd(sample_rate=22_050)
WINDOW_SAMPLES = 59_049

SCALES = ((3, 59_049), (2, 16_384))
"""Of each net the length of its filters and poolings, and that of the pieces it hears."""


def multi_level_multi_scale(
    n_tags: int,
    window: Sequence[int],
    scales: Sequence[Sequence[int]] = SCALES,
    levels: int = 3,
    channels: Sequence[int] = (128, 256, 512),
    hidden_units: Sequence[int] = (512, 512),
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        scales: For each net the length of its filters and poolings, and that of the pieces it
            hears, a power of the former; both in samples.
        levels: How many of the last levels of each net the classifier hears.
        channels: Of the first three convolutions of each net, of those between, of the last two.
        hidden_units: Widths of the classifier's hidden layers: a choice, no released weights ask
            for others.
    """
    given, x = waveform(window)
    features = [_features(x, grain, length, levels, channels) for grain, length in scales]
    x = ops.concatenate(features, axis=-1)
    for number, units in enumerate(hidden_units, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{number}")(x)
        x = layers.Dropout(0.5)(x)
    return keras.Model(given, tag_scores(x, n_tags), name="multi_level_multi_scale")


def _features(
    x: KerasTensor, grain: int, length: int, levels: int, channels: Sequence[int]
) -> KerasTensor:
    """(batch, samples, 1) -> (batch, features): averages over the pieces that fit."""
    pieces = x.shape[1] // length
    if not pieces:
        raise ValueError(f"window: {x.shape[1]} samples are less than a piece of {length}")
    x = ops.reshape(x[:, : pieces * length], (-1, length, 1))
    widths = _widths(grain, length, channels)
    if not 1 <= levels <= len(widths):
        raise ValueError(f"levels: a net of {len(widths)} levels cannot be heard at {levels}")
    heard = sample_level(x, widths, grain=grain, stem_padding=0, prefix=f"scale_{length}_")
    x = ops.concatenate([global_max_pool(level) for level in heard[-levels:]], axis=-1)
    return ops.mean(ops.reshape(x, (-1, pieces, x.shape[-1])), axis=1)


def _widths(grain: int, length: int, channels: Sequence[int]) -> list[int]:
    """Channels of each convolution of the net that leaves one frame of so many samples."""
    low, middle, high = channels
    depth = 0
    while grain > 1 and grain ** (depth + 1) <= length:
        depth += 1
    first, last = [low] * 3, [high] * 2
    between = depth + 1 - len(first) - len(last)
    if between < 0 or grain**depth != length:
        raise ValueError(f"scales: {length} is no power of {grain} that a SampleCNN can hear")
    return [*first, *[middle] * between, *last]
