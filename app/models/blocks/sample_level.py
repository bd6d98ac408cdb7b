"""Building blocks of sample-level networks: convolutions and poolings of a few samples.

Lee, Park, Kim & Nam, "Sample-level deep convolutional neural networks for music auto-tagging using
raw waveforms", SMC 2017 (arXiv:1703.01789). All axes are (batch, samples, channels).
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.models.blocks.convolutions import batch_norm

STEREO = 2
"""Channels of a stereo window."""


def waveform(window: Sequence[int]) -> tuple[KerasTensor, KerasTensor]:
    """Return the input for windows of (samples,) or (samples, 2), and the same with a channel axis.

    Raises:
        ValueError: The window has another shape.
    """
    if tuple(window[1:]) not in ((), (STEREO,)):
        raise ValueError(
            f"window: {tuple(window)} is not a valid shape; expected (samples,) or (samples, 2)"
        )
    inputs = keras.Input(tuple(window), name="window")
    return inputs, inputs if len(window) > 1 else ops.expand_dims(inputs, -1)


def conv_1d(
    x: KerasTensor,
    channels: int,
    name: str,
    *,
    kernel: int = 3,
    strides: int = 1,
    padding: int | None = None,
) -> KerasTensor:
    """Convolve and normalise as `<name>_bn`.

    Keras's own `same` pads strided convolutions on one side only.

    Args:
        x: (batch, samples, channels).
        channels: Channels of the output.
        name: Name of the convolution.
        kernel: Length of the filters.
        strides: Stride in samples.
        padding: Zeros at either side; half a kernel by default.

    Returns:
        (batch, samples, channels).
    """
    padding = kernel // 2 if padding is None else padding
    x = layers.ZeroPadding1D(padding)(x) if padding else x
    x = layers.Conv1D(channels, kernel, strides, name=name)(x)
    return batch_norm(x, f"{name}_bn")


def max_pool(x: KerasTensor, pool: int) -> KerasTensor:
    """Take the maximum of each `pool` samples; an incomplete pool at the end is dropped.

    (batch, samples, channels) -> (batch, samples / pool, channels).

    Raises:
        ValueError: There are fewer samples.
    """
    if x.shape[1] < pool:
        raise ValueError(
            f"the window is too short: a pooling of {pool} has an input of {x.shape[1]}"
        )
    return x if pool == 1 else layers.MaxPooling1D(pool)(x)


def squeeze_excite(x: KerasTensor, units: int, name: str) -> KerasTensor:
    """Weigh each channel by 0..1 (squeeze and excitation, Hu et al., arXiv:1709.01507).

    The weights are computed from the means of all channels over time by `<name>_squeeze` and
    `<name>_excite`.

    Args:
        x: (batch, samples, channels).
        units: Width of `<name>_squeeze`.
        name: Prefix of the layers' names.

    Returns:
        (batch, samples, channels).
    """
    y = ops.mean(x, axis=1, keepdims=True)
    y = layers.Dense(units, activation="relu", name=f"{name}_squeeze")(y)
    y = layers.Dense(x.shape[-1], activation="sigmoid", name=f"{name}_excite")(y)
    return ops.multiply(x, y)


def sample_level(
    x: KerasTensor,
    channels: Sequence[int],
    *,
    grain: int = 3,
    last_kernel: int = 1,
    stem_padding: int | None = None,
    prefix: str = "",
) -> list[KerasTensor]:
    """Return the outputs of a SampleCNN's convolutions `conv_1`, `conv_2` ..., after ReLU.

    The first convolution has a stride of `grain` samples. Those between the first and the last are
    followed by a pooling of `grain`.

    Args:
        x: (batch, samples, 1), or (batch, samples, 2) for stereo.
        channels: Channels of each convolution.
        grain: Length of a filter and of a pooling.
        last_kernel: Length of the filters of the last convolution.
        stem_padding: Zeros at either side of the window; half a filter by default.
        prefix: Prefix of the names of all layers.

    Returns:
        For each convolution, (batch, samples, channels).

    Raises:
        ValueError: The window is too short.
    """
    first, *middle, last = channels
    x = conv_1d(x, first, f"{prefix}conv_1", kernel=grain, strides=grain, padding=stem_padding)
    levels = [ops.relu(x)]
    for number, filters in enumerate(middle, start=2):
        x = ops.relu(conv_1d(levels[-1], filters, f"{prefix}conv_{number}", kernel=grain))
        levels.append(max_pool(x, grain))
    x = conv_1d(levels[-1], last, f"{prefix}conv_{len(channels)}", kernel=last_kernel)
    return [*levels, ops.relu(x)]


def global_max_pool(x: KerasTensor) -> KerasTensor:
    """Return the maximum over time, (batch, samples, channels) -> (batch, channels).

    With the published windows one sample is left here; with longer ones there may be more.
    """
    return ops.max(x, axis=1)
