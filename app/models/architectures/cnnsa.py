"""CNNSA: a residual network with a short receptive field, then a transformer over its outputs.

Won, Chun & Serra, "Toward interpretable music tagging with self-attention", 2019
(arXiv:1906.04972), as it was evaluated in Won et al., SMC 2020 (arXiv:2006.00751). The class
token is not trained but a constant random vector. Tokens have no position embedding, so only the
convolutions depend on their order.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.attention import attend, prepend
from app.models.blocks.convolutions import (
    batch_norm,
    drop_features,
    residual_2d,
    spectrogram,
    tag_scores,
)
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
"""Output channels of each residual block."""
STRIDES = ((2, 2), (2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2))
"""Strides of each residual block in (frames, bins): 128 bins become one."""
LAYERS = 2
HEADS = 8
PROJECTIONS = ("query", "key", "value")
HIDDEN_UNITS = 1024
EPSILON = 1e-12
"""The epsilon of the encoder's normalisations."""


def cnnsa(n_tags: int, window: Sequence[int], conv_dropout: float = 0.0) -> keras.Model:
    """Build the network: decibels (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels); at most 128 mel bands, which the strides reduce to one.
        conv_dropout: Rate of dropout after each residual block; the thesis has .1.

    Raises:
        ValueError: There are more bands.
    """
    inputs, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, (channels, strides) in enumerate(zip(CHANNELS, STRIDES, strict=True), start=1):
        x = residual_2d(x, channels, f"residual_{number}", strides=strides)
        x = drop_features(x, conv_dropout)
    if x.shape[2] != 1:
        raise ValueError(f"cnnsa: {inputs.shape[2]} bands become {x.shape[2]}; expected 1")
    x = prepend(_random_token(CHANNELS[-1]), ops.squeeze(x, axis=2))
    for number in range(1, LAYERS + 1):
        x = _post_norm_block(x, f"block_{number}")
    x = layers.Dense(CHANNELS[-1], activation="tanh", name="pooler")(x[:, 0])
    return keras.Model(inputs, tag_scores(layers.Dropout(0.5)(x), n_tags), name="cnnsa")


def _random_token(width: int) -> np.ndarray:
    """Return the class token, (width,), drawn with a seed as it is not in the checkpoints."""
    return np.random.RandomState(0).uniform(size=width).astype(np.float32)


def _post_norm_block(x: KerasTensor, name: str) -> KerasTensor:
    """Attention and dense layers, each with layer normalisation after the residual, as in BERT.

    (batch, tokens, width) -> (batch, tokens, width).
    """
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
"""Our layers by the modules of the released weights."""
