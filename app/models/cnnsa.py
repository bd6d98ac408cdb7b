"""CNNSA: a residual network hears a few frames at a time, a transformer sums up what it heard.

Won, Chun & Serra, "Toward interpretable music tagging with self-attention", 2019
(arXiv:1906.04972), as it was evaluated in Won et al., SMC 2020 (arXiv:2006.00751). Particular: the
token that gathers the tags is no weight but a vector that was drawn once, and no token knows its
place, so that only the convolutions hear what comes after what.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.attention import attend, before
from app.models.blocks import batch_norm, residual_2d, spectrogram, tag_scores
from app.spectra import Decibels, Mel, MelScale, Spectrum

FRONT_END = FrontEnd(
    sample_rate=16_000,
    spectrum=Spectrum(
        n_fft=(512,),
        hop=256,
        bands=Mel(n_mels=128, f_min=0.0, f_max=8_000.0, scale=MelScale.HTK, by_area=False),
        log=Decibels(floor=1e-10),
    ),
)
"""As published."""
WINDOW_SAMPLES = 240_000
"""15 seconds."""

CHANNELS = (128, 128, 256, 256, 256, 256, 256)
"""Of each residual block."""
STRIDES = ((2, 2), (2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2))
"""Of each residual block, in frames and in bins: 128 bins become one."""
LAYERS = 2
HEADS = 8
PROJECTIONS = ("query", "key", "value")
HIDDEN_UNITS = 1024
EPSILON = 1e-12
"""What the encoder's normalisations add to the variance."""


def cnnsa(n_tags: int, window: Sequence[int]) -> keras.Model:
    """Build the network: decibels (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: Frames and mel bands of a window; no more bands than the strides make one of.

    Raises:
        ValueError: There are more bands.
    """
    given, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, (channels, strides) in enumerate(zip(CHANNELS, STRIDES, strict=True), start=1):
        x = residual_2d(x, channels, f"residual_{number}", strides=strides)
    if x.shape[2] != 1:
        raise ValueError(f"cnnsa: {given.shape[2]} bands become {x.shape[2]}, they must become one")
    x = before(_drawn_token(CHANNELS[-1]), ops.squeeze(x, axis=2))
    for number in range(1, LAYERS + 1):
        x = _post_norm_block(x, f"block_{number}")
    x = layers.Dense(CHANNELS[-1], activation="tanh", name="pooler")(x[:, 0])
    return keras.Model(given, tag_scores(layers.Dropout(0.5)(x), n_tags), name="cnnsa")


def _drawn_token(width: int) -> np.ndarray:
    """(width,). Checkpoints lack it: whoever loads one draws the same numbers again."""
    return np.random.RandomState(0).uniform(size=width).astype(np.float32)


def _post_norm_block(x: KerasTensor, name: str) -> KerasTensor:
    """As in BERT, (batch, tokens, width) -> (batch, tokens, width): sums are normalised."""
    width = x.shape[-1]
    query, key, value = (layers.Dense(width, name=f"{name}_{part}")(x) for part in PROJECTIONS)
    y = attend(query, key, value, HEADS, dropout=0.5)
    y = layers.Dense(width, name=f"{name}_out")(y)
    x = ops.add(x, layers.Dropout(0.4)(y))
    x = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_1")(x)
    y = layers.Dense(HIDDEN_UNITS, activation="gelu", name=f"{name}_dense_1")(x)
    y = layers.Dense(width, name=f"{name}_dense_2")(y)
    x = ops.add(x, layers.Dropout(0.4)(y))
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_2")(x)


_RESIDUAL = {"1": "1", "2": "2", "3": "shortcut"}
_BLOCK = {
    **{f"attention.self.{part}": part for part in PROJECTIONS},
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "norm_1",
    "intermediate.dense": "dense_1",
    "output.dense": "dense_2",
    "output.LayerNorm": "norm_2",
}

TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{
        f"layer{number}.{kind}_{theirs}": f"residual_{number}_{ours}{suffix}"
        for number in range(1, len(CHANNELS) + 1)
        for theirs, ours in _RESIDUAL.items()
        for kind, suffix in (("conv", ""), ("bn", "_bn"))
    },
    **{
        f"encoder.layer.{number}.{theirs}": f"block_{number + 1}_{ours}"
        for number in range(LAYERS)
        for theirs, ours in _BLOCK.items()
    },
    "pooler.dense": "pooler",
    "dense": "tags",
}
"""The released weights' modules, and our layers."""
