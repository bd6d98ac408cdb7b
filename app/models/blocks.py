"""What the networks of Won et al. are made of: convolutions with their normalisation, residuals.

Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020
(arXiv:2006.00751). Our axes are (batch, frames, bins, channels); their code has bins before frames.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

EPSILON = 1e-5
"""What the normalisations add to the variance."""
MOMENTUM = 0.9
"""How much of the running statistics a batch leaves as it was."""

Size = int | Sequence[int]
"""(frames, bins), or one number for both."""


def batch_norm(x: KerasTensor, name: str) -> KerasTensor:
    """Normalise the channels as PyTorch does."""
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=name)(x)


def conv_2d(
    x: KerasTensor, channels: int, name: str, *, kernel: Size = 3, strides: Size = 1
) -> KerasTensor:
    """Convolve, with half a kernel of zeros at either side, and normalise as `<name>_bn`.

    Keras's own `same` pads strided convolutions on one side only.
    """
    height, width = _pair(kernel)
    x = layers.ZeroPadding2D((height // 2, width // 2))(x)
    x = layers.Conv2D(channels, (height, width), _pair(strides), name=name)(x)
    return batch_norm(x, f"{name}_bn")


def conv_block_2d(x: KerasTensor, channels: int, pool: Size, name: str) -> KerasTensor:
    """Convolve by 3 x 3, normalise, ReLU, and take the maximum of each `pool`."""
    return max_pool_2d(ops.relu(conv_2d(x, channels, name)), pool)


def residual_2d(
    x: KerasTensor, channels: int, name: str, *, strides: Size = 1, pool: Size = 1
) -> KerasTensor:
    """Add two convolutions to their input, ReLU, and take the maximum of each `pool`.

    The input itself goes through `<name>_shortcut`, a convolution by 3 x 3 as well, where its
    channels or its size change.
    """
    y = ops.relu(conv_2d(x, channels, f"{name}_1", strides=strides))
    y = conv_2d(y, channels, f"{name}_2")
    if x.shape[-1] != channels or _pair(strides) != (1, 1):
        x = conv_2d(x, channels, f"{name}_shortcut", strides=strides)
    x = ops.relu(ops.add(x, y))
    return x if _pair(pool) == (1, 1) else max_pool_2d(x, pool)


def max_pool_2d(x: KerasTensor, pool: Size) -> KerasTensor:
    """Take the maximum of each `pool`; what does not fill one is dropped.

    Raises:
        ValueError: Nothing fills one. Keras would go on with nothing.
    """
    left, size = x.shape[1:3], _pair(pool)
    if any(length < wanted for length, wanted in zip(left, size, strict=True)):
        raise ValueError(
            f"the window is too small: (frames, bins) {left} are left for a pooling of {size}"
        )
    return layers.MaxPooling2D(size)(x)


def dense_head(x: KerasTensor, n_tags: int, hidden_units: int) -> KerasTensor:
    """Score (batch, features): a hidden layer with normalisation, ReLU and dropout, then `tags`."""
    x = layers.Dense(hidden_units, name="hidden")(x)
    x = ops.relu(batch_norm(x, "hidden_bn"))
    return tag_scores(layers.Dropout(0.5)(x), n_tags)


def tag_scores(x: KerasTensor, n_tags: int) -> KerasTensor:
    """Score (batch, features) by one layer, `tags`: (batch, n_tags) in 0..1.

    In float32 whatever the others compute in: a score of .5 has two digits in bf16.
    """
    return layers.Dense(n_tags, activation="sigmoid", dtype="float32", name="tags")(x)


def spectrogram(window: Sequence[int]) -> tuple[KerasTensor, KerasTensor]:
    """The input for windows of (frames, bins) or (frames, bins, channels), and with channels.

    Raises:
        ValueError: The windows are of something else.
    """
    if len(window) not in {2, 3}:
        raise ValueError(f"window: (frames, bins) is needed, not {tuple(window)}")
    given = keras.Input(tuple(window), name="window")
    return given, given if len(window) == 3 else ops.expand_dims(given, -1)  # noqa: PLR2004


def _pair(size: Size) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    first, second = size
    return first, second
