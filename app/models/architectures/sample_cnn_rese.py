"""SampleCNN of residual blocks with squeeze and excitation, features of three levels: ReSE-2-Multi.

Kim, Lee & Nam, "Sample-level CNN architectures for music auto-tagging using raw waveforms", ICASSP
2018 (arXiv:1710.10451). Without the residuals it is their SE, without the excitations their Res
(`sample_cnn_res`), without both their basic block. The excitation has 16 times as many
hidden units as channels. Normalisation is that of their Keras code, not of the PyTorch code of Won
et al.; `sample_cnn_se` is the "SampleCNN + SE" of the latter.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import tag_scores
from app.models.blocks.sample_level import global_max_pool, max_pool, squeeze_excite, waveform

FRONT_END = FrontEnd(sample_rate=22_050)
WINDOW_SAMPLES = 59_049

CHANNELS = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512)
AMPLIFICATION = 16
"""Hidden units of the excitation per channel."""

KINDS = {(True, True): "rese", (True, False): "res", (False, True): "se", (False, False): "basic"}
"""Names of Kim et al. for blocks by (has a residual, has an excitation)."""


def sample_cnn_rese(
    n_tags: int,
    window: Sequence[int],
    residual: bool = True,
    squeeze: bool = True,
    levels: int = 3,
    channels: Sequence[int] = CHANNELS,
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        residual: Whether blocks add two convolutions to their input; otherwise they are one.
        squeeze: Whether blocks weigh their channels.
        levels: The hidden layer uses the outputs of this number of last blocks.
        channels: Channels of the convolution with strides of three samples, then of each block.

    Raises:
        ValueError: There are fewer blocks than levels, or the window is too short.
    """
    first, *others = channels
    if not 1 <= levels <= len(others):
        raise ValueError(f"levels: {levels} is out of range; expected 1 to {len(others)}")
    inputs, x = waveform(window)
    x = ops.relu(_conv(x, first, "conv_1", strides=3))
    outputs = []
    block = _residual if residual else _basic
    for number, filters in enumerate(others, start=1):
        x = block(x, filters, f"block_{number}", squeeze)
        outputs.append(x)
    x = ops.concatenate([global_max_pool(level) for level in outputs[-levels:]], axis=-1)
    x = layers.Dense(x.shape[-1], name="hidden")(x)
    x = layers.Dropout(0.5)(ops.relu(_batch_norm(x, "hidden_bn")))
    return keras.Model(inputs, tag_scores(x, n_tags), name=f"sample_cnn_{KINDS[residual, squeeze]}")


def _basic(x: KerasTensor, channels: int, name: str, squeeze: bool) -> KerasTensor:
    """Convolve, pool by three, then excite."""
    x = max_pool(ops.relu(_conv(x, channels, name)), 3)
    return squeeze_excite(x, AMPLIFICATION * channels, name) if squeeze else x


def _residual(x: KerasTensor, channels: int, name: str, squeeze: bool) -> KerasTensor:
    """Add two convolutions with excitation to their input, and pool by three."""
    y = layers.Dropout(0.2)(ops.relu(_conv(x, channels, f"{name}_1")))
    y = _conv(y, channels, f"{name}_2")
    y = squeeze_excite(y, AMPLIFICATION * channels, name) if squeeze else y
    if x.shape[-1] != channels:
        x = _conv(x, channels, f"{name}_shortcut", kernel=1)
    return max_pool(ops.relu(ops.add(x, y)), 3)


def _conv(
    x: KerasTensor, channels: int, name: str, *, kernel: int = 3, strides: int = 1
) -> KerasTensor:
    padding = "same" if strides == 1 else "valid"
    x = layers.Conv1D(channels, kernel, strides, padding, name=name)(x)
    return _batch_norm(x, f"{name}_bn")


def _batch_norm(x: KerasTensor, name: str) -> KerasTensor:
    return layers.BatchNormalization(name=name)(x)
