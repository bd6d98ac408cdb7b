"""SampleCNN of residual blocks with squeeze and excitation.

The "SampleCNN + SE" of Won et al. 2020 (arXiv:2006.00751), after Kim, Lee & Nam, "Sample-level CNN
architectures for music auto-tagging using raw waveforms", ICASSP 2018 (arXiv:1710.10451). It
differs from the network of Kim et al. (`sample_cnn_rese`): 11 blocks without a convolution before
them, shortcuts with kernels as long as the filters, no dropout between these, as many hidden units
as channels in the excitation, and features of one level.
"""

from collections.abc import Sequence
from itertools import pairwise

import keras
from keras import KerasTensor, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import dense_head
from app.models.blocks.sample_level import (
    conv_1d,
    global_max_pool,
    max_pool,
    squeeze_excite,
    waveform,
)

FRONT_END = FrontEnd(sample_rate=16_000)
WINDOW_SAMPLES = 59_049

CHANNELS = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512)

_BLOCK = {
    "conv_1": "1",
    "bn_1": "1_bn",
    "conv_2": "2",
    "bn_2": "2_bn",
    "dense1": "squeeze",
    "dense2": "excite",
}
_SHORTCUT = {"conv_3": "shortcut", "bn_3": "shortcut_bn"}

TORCH_LAYERS = {
    f"layer{number}.{torch}": f"block_{number}_{ours}"
    for number, (before, after) in enumerate(pairwise((1, *CHANNELS)), start=1)
    for torch, ours in (_BLOCK if before == after else _BLOCK | _SHORTCUT).items()
} | {"dense1": "hidden", "bn": "hidden_bn", "dense2": "tags"}
"""Our layers by the modules of the released checkpoints."""


def sample_cnn_se(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    hidden_units: int = 512,
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        channels: Channels of each block: the one with strides of three samples, those followed by a
            pooling by three, and the last, over one frame.
        hidden_units: Width of the layer before the last.

    Raises:
        ValueError: The window has another shape, or is too short.
    """
    inputs, x = waveform(window)
    first, *middle, last = channels
    x = _block(x, first, "block_1", strides=3)
    for number, filters in enumerate(middle, start=2):
        x = max_pool(_block(x, filters, f"block_{number}"), 3)
    x = _block(x, last, f"block_{len(channels)}", kernel=1)
    return keras.Model(
        inputs, dense_head(global_max_pool(x), n_tags, hidden_units), name="sample_cnn_se"
    )


def _block(
    x: KerasTensor, channels: int, name: str, *, kernel: int = 3, strides: int = 1
) -> KerasTensor:
    """Add two convolutions with excitation to their input, then ReLU."""
    y = ops.relu(conv_1d(x, channels, f"{name}_1", kernel=kernel, strides=strides))
    y = squeeze_excite(conv_1d(y, channels, f"{name}_2", kernel=kernel), channels, name)
    if x.shape[-1] != channels or strides != 1:
        x = conv_1d(x, channels, f"{name}_shortcut", kernel=kernel, strides=strides)
    return ops.relu(ops.add(x, y))
