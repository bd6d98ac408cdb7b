"""CNNSA: a residual network with a short receptive field, then a transformer over its outputs.

Won, Chun & Serra, "Toward interpretable music tagging with self-attention", 2019
(arXiv:1906.04972), as it was evaluated in Won et al., SMC 2020 (arXiv:2006.00751). The class
token is not trained but a constant random vector. Tokens have no position embedding, so only the
convolutions depend on their order.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.class_token_encoder import encode, torch_layers
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
BLOCKS = 2
HEADS = 8
HIDDEN_UNITS = 1024
ATTENTION = "_attention"
"""The ending of the layers with attention weights; their first row is that of the class token."""


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
    x = encode(
        ops.squeeze(x, axis=2),
        blocks=BLOCKS,
        heads=HEADS,
        hidden_units=HIDDEN_UNITS,
        attention_dropout=0.5,
    )
    return keras.Model(inputs, tag_scores(layers.Dropout(0.5)(x), n_tags), name="cnnsa")


_RESIDUAL = {"1": "1", "2": "2", "3": "shortcut"}

TORCH_LAYERS = {
    "spec_bn": "input_bn",
    **{
        f"layer{number}.{kind}_{theirs}": f"residual_{number}_{ours}{suffix}"
        for number in range(1, len(CHANNELS) + 1)
        for theirs, ours in _RESIDUAL.items()
        for kind, suffix in (("conv", ""), ("bn", "_bn"))
    },
    **torch_layers(BLOCKS),
    "dense": "tags",
}
"""Our layers by the modules of the released weights."""
