"""Building blocks of the networks of Won et al.: normalised convolutions and residual blocks.

Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020
(arXiv:2006.00751). Our axes are (batch, frames, bins, channels); their code has bins before frames.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

EPSILON = 1e-5
"""The epsilon of the normalisations."""
MOMENTUM = 0.9
"""The weight of the old running statistics when a batch updates them."""

Size = int | Sequence[int]
"""(frames, bins), or one number for both."""


def batch_norm(x: KerasTensor, name: str) -> KerasTensor:
    """Normalise the channels, (..., channels), as PyTorch does."""
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=name)(x)


def conv_2d(
    x: KerasTensor, channels: int, name: str, *, kernel: Size = 3, strides: Size = 1
) -> KerasTensor:
    """Convolve, with half a kernel of zeros at either side, and normalise as `<name>_bn`.

    Keras's own `same` pads strided convolutions on one side only.

    Args:
        x: (batch, frames, bins, channels).
        channels: Channels of the output.
        name: Name of the convolution.
        kernel: Size of the filters.
        strides: Strides.

    Returns:
        (batch, frames, bins, channels).
    """
    height, width = _pair(kernel)
    x = layers.ZeroPadding2D((height // 2, width // 2))(x)
    x = layers.Conv2D(channels, (height, width), _pair(strides), name=name)(x)
    return batch_norm(x, f"{name}_bn")


def conv_block_2d(x: KerasTensor, channels: int, pool: Size, name: str) -> KerasTensor:
    """Convolve by 3 x 3, normalise, ReLU, and take the maximum of each `pool`.

    Args:
        x: (batch, frames, bins, channels).
        channels: Channels of the output.
        pool: Size of the pooling.
        name: Name of the convolution.

    Returns:
        (batch, frames, bins, channels).

    Raises:
        ValueError: The input is smaller than a pool.
    """
    return max_pool_2d(ops.relu(conv_2d(x, channels, name)), pool)


def residual_2d(
    x: KerasTensor, channels: int, name: str, *, strides: Size = 1, pool: Size = 1
) -> KerasTensor:
    """Add two convolutions to their input, ReLU, and take the maximum of each `pool`.

    If the channels or the size change, the input goes through `<name>_shortcut`, another
    convolution by 3 x 3.

    Args:
        x: (batch, frames, bins, channels).
        channels: Channels of the output.
        name: Prefix of the layers' names.
        strides: Strides of the first convolution.
        pool: Size of the pooling.

    Returns:
        (batch, frames, bins, channels).

    Raises:
        ValueError: The input is smaller than a pool.
    """
    y = ops.relu(conv_2d(x, channels, f"{name}_1", strides=strides))
    y = conv_2d(y, channels, f"{name}_2")
    if x.shape[-1] != channels or _pair(strides) != (1, 1):
        x = conv_2d(x, channels, f"{name}_shortcut", strides=strides)
    x = ops.relu(ops.add(x, y))
    return x if _pair(pool) == (1, 1) else max_pool_2d(x, pool)


def drop_features(x: KerasTensor, rate: float) -> KerasTensor:
    """Apply dropout to features, (batch, ...) of any shape; a rate of 0 adds no layer."""
    return layers.Dropout(rate)(x) if rate else x


def max_pool_2d(x: KerasTensor, pool: Size, strides: Size | None = None) -> KerasTensor:
    """Take the maximum of each `pool`; an incomplete pool at the end is dropped.

    (batch, frames, bins, channels) -> (batch, frames / strides, bins / strides, channels), with
    strides as long as the pool by default.

    Raises:
        ValueError: The input is smaller than a pool. Keras would return an empty tensor.
    """
    size, pool_size = x.shape[1:3], _pair(pool)
    if any(length < least for length, least in zip(size, pool_size, strict=True)):
        raise ValueError(
            f"the window is too small: a pooling of {pool_size} gets {size} (frames, bins)"
        )
    return layers.MaxPooling2D(pool_size, _pair(strides) if strides else None)(x)


def dense_head(x: KerasTensor, n_tags: int, hidden_units: int) -> KerasTensor:
    """Score features: a hidden layer with normalisation, ReLU and dropout, then `tags`.

    Args:
        x: (batch, features).
        n_tags: Number of tags.
        hidden_units: Width of the hidden layer.

    Returns:
        (batch, n_tags) in 0..1.
    """
    x = layers.Dense(hidden_units, name="hidden")(x)
    x = ops.relu(batch_norm(x, "hidden_bn"))
    return tag_scores(layers.Dropout(0.5)(x), n_tags)


def tag_scores(x: KerasTensor, n_tags: int) -> KerasTensor:
    """Score (batch, features) by one layer, `tags`: (batch, n_tags) in 0..1.

    It computes in float32 also if other layers don't: a score of .5 has two digits in bf16.
    """
    return layers.Dense(n_tags, activation="sigmoid", dtype="float32", name="tags")(x)


def spectrogram(window: Sequence[int]) -> tuple[KerasTensor, KerasTensor]:
    """Return the input for windows, and the same with a channel axis.

    Args:
        window: (frames, bins) or (frames, bins, channels).

    Raises:
        ValueError: The window has another number of axes.
    """
    if len(window) not in {2, 3}:
        raise ValueError(f"window: {tuple(window)} is not a valid shape; expected (frames, bins)")
    inputs = keras.Input(tuple(window), name="window")
    return inputs, inputs if len(window) == 3 else ops.expand_dims(inputs, -1)  # noqa: PLR2004


def _pair(size: Size) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    first, second = size
    return first, second
