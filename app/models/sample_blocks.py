"""What sample-level networks are made of: convolutions of a few samples, pooled by as few.

Lee, Park, Kim & Nam, "Sample-level deep convolutional neural networks for music auto-tagging using
raw waveforms", SMC 2017 (arXiv:1703.01789). All axes are (batch, samples, channels).
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.models.blocks import batch_norm


def waveform(window: Sequence[int]) -> tuple[KerasTensor, KerasTensor]:
    """The input for windows of (samples,), and what it is with a channel axis."""
    if len(window) != 1:
        raise ValueError(f"window: (samples,) is needed, not {tuple(window)}")
    given = keras.Input(tuple(window), name="window")
    return given, ops.expand_dims(given, -1)


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

    There are `padding` zeros at either side, half a kernel if nothing is said: Keras's own `same`
    pads strided convolutions on one side only.
    """
    padding = kernel // 2 if padding is None else padding
    x = layers.ZeroPadding1D(padding)(x) if padding else x
    x = layers.Conv1D(channels, kernel, strides, name=name)(x)
    return batch_norm(x, f"{name}_bn")


def max_pool(x: KerasTensor, pool: int) -> KerasTensor:
    """Take the maximum of each `pool` samples; those left over at the end are dropped."""
    if x.shape[1] < pool:
        raise ValueError(f"window: too short, a layer has {x.shape[1]} of {pool} samples to pool")
    return x if pool == 1 else layers.MaxPooling1D(pool)(x)


def squeeze_excite(x: KerasTensor, units: int, name: str) -> KerasTensor:
    """Squeeze and excitation (Hu et al., arXiv:1709.01507): weigh each channel by 0..1.

    The means of all channels over time decide, through a layer of `units`: `<name>_squeeze`, then
    `<name>_excite`.
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
    """The levels of a SampleCNN: `conv_1`, `conv_2` ... with their normalisation and ReLU.

    The first convolution takes strides of `grain` samples, all but the last then end in a pooling
    by it, and the last comes after.

    Args:
        x: (batch, samples, 1).
        channels: Of each convolution.
        grain: Length of a filter and of a pooling.
        last_kernel: Length of the filters of the last convolution.
        stem_padding: Zeros at either side of the window; half a filter if nothing is said.
        prefix: Stands before the names of all layers.
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
    """The maximum of each channel over time: (batch, channels).

    The published windows leave one sample here; longer ones may leave more.
    """
    return ops.max(x, axis=1)
