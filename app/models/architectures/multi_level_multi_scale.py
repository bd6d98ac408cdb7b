"""SampleCNNs of two scales; their last three levels are the input of one classifier.

Lee & Nam, "Multi-level and multi-scale feature aggregation using sample-level deep convolutional
neural networks for music classification", 2017 (arXiv:1706.06810), which applies the
method of arXiv:1703.01793 for mel spectrograms to waveforms. They train each SampleCNN by itself,
average its features over the pieces of a whole song, and train the classifier on these averages.
Here all is one graph, and averages are over the pieces of a window. In 59,049 samples the net of
scale 3 has one piece, and the net of scale 2 has three of 16,384; the rest is dropped.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import tag_scores
from app.models.blocks.sample_level import global_max_pool, sample_level, waveform

FRONT_END = FrontEnd(sample_rate=22_050)
WINDOW_SAMPLES = 59_049

SCALES = ((3, 59_049), (2, 16_384))
"""For each net the length of its filters and poolings, and of its pieces, in samples."""


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
        scales: For each net the length of its filters and poolings, and the length of its pieces,
            a power of the former; both in samples.
        levels: Number of last levels of each net that the classifier uses.
        channels: Channels of the first three convolutions of each net, those between, and the
            last two.
        hidden_units: Widths of the classifier's hidden layers; the default is our choice, as no
            weights are released.

    Raises:
        ValueError: The window is shorter than a piece, or a scale or the levels are not valid.
    """
    inputs, x = waveform(window)
    features = [_features(x, grain, length, levels, channels) for grain, length in scales]
    x = ops.concatenate(features, axis=-1)
    for number, units in enumerate(hidden_units, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{number}")(x)
        x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, tag_scores(x, n_tags), name="multi_level_multi_scale")


def _features(
    x: KerasTensor, grain: int, length: int, levels: int, channels: Sequence[int]
) -> KerasTensor:
    """Return the mean over the pieces that fit: (batch, samples, channels) -> (batch, features)."""
    pieces = x.shape[1] // length
    if not pieces:
        raise ValueError(
            f"window: {x.shape[1]} samples are too few; expected at least {length}, a piece"
        )
    x = ops.reshape(x[:, : pieces * length], (-1, length, x.shape[-1]))
    widths = _widths(grain, length, channels)
    if not 1 <= levels <= len(widths):
        raise ValueError(f"levels: {levels} is out of range; expected 1 to {len(widths)}")
    outputs = sample_level(x, widths, grain=grain, stem_padding=0, prefix=f"scale_{length}_")
    x = ops.concatenate([global_max_pool(level) for level in outputs[-levels:]], axis=-1)
    return ops.mean(ops.reshape(x, (-1, pieces, x.shape[-1])), axis=1)


def _widths(grain: int, length: int, channels: Sequence[int]) -> list[int]:
    """Return the channels of each convolution of the net that reduces `length` samples to one."""
    low, middle, high = channels
    depth = 0
    while grain > 1 and grain ** (depth + 1) <= length:
        depth += 1
    first, last = [low] * 3, [high] * 2
    between = depth + 1 - len(first) - len(last)
    if between < 0 or grain**depth != length:
        raise ValueError(
            f"scales: {length} is not a valid length for {grain}; expected a power of {grain}, at "
            f"least its fourth"
        )
    return [*first, *[middle] * between, *last]
