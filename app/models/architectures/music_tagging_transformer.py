"""Music Tagging Transformer: a shallow residual network, then a transformer with positions.

Won, Choi & Serra, "Semi-supervised music tagging transformer", ISMIR 2021 (arXiv:2111.13457).
It has three convolutional blocks instead of CNNSA's seven, so several bands remain, which are
flattened into a token. The class token and the positions are trained. The student is a quarter as
wide as the teacher.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.attention import Positions, Token, pre_norm_block
from app.models.blocks.convolutions import EPSILON, batch_norm, residual_2d, spectrogram, tag_scores
from app.spectra import Decibels, Mel, MelScale, Spectrum

FRONT_END = FrontEnd(
    sample_rate=22_050,
    spectrum=Spectrum(
        n_fft=(1024,),
        hop=512,
        bands=Mel(n_mels=128, f_min=0.0, f_max=11_025.0, scale=MelScale.HTK, by_area=False),
        log=Decibels(floor=1e-10),
    ),
)
"""As published."""
WINDOW_SAMPLES = 220_500
"""10 seconds."""

POOLS = ((2, 2), (2, 2), (1, 2))
"""The pooling after each residual block, (frames, bins)."""
BLOCKS = 4
HEADS = 8
DROPOUT = 0.1
ATTENTION = "_attention"
"""The ending of the layers with attention weights; their first row is that of the class token."""
MAX_TOKENS = 513
"""Most tokens, including the class token; a window of 10 seconds has 108."""


def music_tagging_transformer(
    n_tags: int, window: Sequence[int], dimension: int = 256, channels: int = 128
) -> keras.Model:
    """Build the network: decibels (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels); four frames become a token.
        dimension: Width of a token: 256 for the teacher, 64 for the student.
        channels: Channels of the convolutions.

    Raises:
        ValueError: The window has more than `MAX_TOKENS` tokens, or none after pooling.
    """
    inputs, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, pool in enumerate(POOLS, start=1):
        x = residual_2d(x, channels, f"residual_{number}", pool=pool)
    x = layers.Dense(dimension, name="tokens")(_flattened(x))
    x = Token(std=1.0, name="cls")(x)
    x = Positions(MAX_TOKENS, dimension, std=1.0, name="positions")(x)
    x = layers.Dropout(DROPOUT)(x)
    for number in range(1, BLOCKS + 1):
        x = pre_norm_block(x, HEADS, f"block_{number}", dropout=DROPOUT)
    x = layers.LayerNormalization(epsilon=EPSILON, name="cls_norm")(x[:, 0])
    return keras.Model(inputs, tag_scores(x, n_tags), name="music_tagging_transformer")


def _flattened(x: KerasTensor) -> KerasTensor:
    """Flatten (batch, frames, bins, channels) to (batch, frames, channels * bins), bins fastest."""
    _, frames, bins, channels = x.shape
    x = ops.transpose(x, (0, 1, 3, 2))
    return ops.reshape(x, (-1, frames, channels * bins))


_RESIDUAL = {"1": "1", "2": "2", "3": "shortcut"}
_BLOCK = {
    "0.fn.norm": "norm_1",
    "0.fn.fn.to_qkv": "qkv",
    "0.fn.fn.to_out.0": "out",
    "1.fn.norm": "norm_2",
    "1.fn.fn.net.0": "dense_1",
    "1.fn.fn.net.3": "dense_2",
}

TORCH_LAYERS = {
    "frontend.input_bn": "input_bn",
    **{
        f"frontend.layer{number}.{kind}_{theirs}": f"residual_{number}_{ours}{suffix}"
        for number in range(1, len(POOLS) + 1)
        for theirs, ours in _RESIDUAL.items()
        if number == 1 or ours != "shortcut"  # only the first block changes the channels
        for kind, suffix in (("conv", ""), ("bn", "_bn"))
    },
    "frontend.fc": "tokens",
    "cls_token": "cls/token",
    "pos_embedding": "positions/table",
    **{
        f"transformer.layers.{number}.{theirs}": f"block_{number + 1}_{ours}"
        for number in range(BLOCKS)
        for theirs, ours in _BLOCK.items()
    },
    "mlp_head.0": "cls_norm",
    "mlp_head.1": "tags",
}
"""Our layers and variables by the modules and parameters of the released weights."""
