"""CNNSA behind MusiCNN's front end: one layer of tall and long filters, then a transformer.

Won, Chun & Serra, "Toward interpretable music tagging with self-attention", 2019
(arXiv:1906.04972): the melgram network of its tables, layer by layer as in the released code.
Each frame is a token, with sinusoids for its position; the class token is a constant.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.class_token_encoder import encode, torch_layers
from app.models.blocks.convolutions import batch_norm, spectrogram, tag_scores
from app.models.blocks.musicnn_branches import temporal, timbral
from app.spectra import Decibels, Mel, Spectrum

FRONT_END = FrontEnd(16_000, Spectrum((512,), 256, bands=Mel(96, 0.0, 8_000.0), log=Decibels(1e-5)))
"""Theirs are twice these decibels, which the normalisation of the input undoes, and are cut 80 dB
below the loudest of the track, which a front end that streams can't know."""
WINDOW_SAMPLES = 65_280
"""256 frames, 4.1 seconds."""

TIMBRAL = ((0.9, 7), (0.9, 3), (0.9, 1), (0.4, 7), (0.4, 3), (0.4, 1))
"""Height of the filters as a share of the mel axis, and length in frames."""
TIMBRAL_CHANNELS = (1, 2, 4, 1, 2, 4)
"""In multiples of `channels`."""
TEMPORAL_LENGTHS = (165, 129, 65, 33)
"""In frames."""
TEMPORAL_CHANNELS = (1, 2, 4, 8)
"""In multiples of `channels`."""

BLOCKS = 2
HEADS = 8
ATTENTION = "_attention"
"""The ending of the layers with attention weights; their first row is that of the class token."""

_BRANCHES = (
    *(f"timbral_{number}" for number in range(1, len(TIMBRAL) + 1)),
    *(f"temporal_{number}" for number in range(1, len(TEMPORAL_LENGTHS) + 1)),
)
TORCH_LAYERS = {
    "front_end.input_bn": "input_bn",
    **{f"front_end.layers.{number}.conv": branch for number, branch in enumerate(_BRANCHES)},
    **{f"front_end.layers.{number}.bn": f"{branch}_bn" for number, branch in enumerate(_BRANCHES)},
    "front_end.conv1x1": "tokens",
    "front_end.bn": "tokens_bn",
    **torch_layers(BLOCKS, "back_end."),
    "classifier": "tags",
}
"""Our layers by the modules of the released code."""


def cnnsa_musicnn(
    n_tags: int, window: Sequence[int], channels: int = 16, dimension: int = 512
) -> keras.Model:
    """Build the network: decibels (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        channels: Channels of the narrowest branches; all together have 29 times as many.
        dimension: Width of a token, divisible by the eight heads.

    Raises:
        ValueError: The window has another number of axes.
    """
    inputs, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    timbre = [
        timbral(
            x,
            channels * times,
            f"timbral_{number}",
            height=int(height * x.shape[2]),
            length=length,
        )
        for number, ((height, length), times) in enumerate(
            zip(TIMBRAL, TIMBRAL_CHANNELS, strict=True), start=1
        )
    ]
    energy = ops.mean(x, axis=2)
    rhythm = [
        temporal(energy, channels * times, f"temporal_{number}", length=length)
        for number, (length, times) in enumerate(
            zip(TEMPORAL_LENGTHS, TEMPORAL_CHANNELS, strict=True), start=1
        )
    ]
    x = ops.concatenate([*timbre, *rhythm], axis=-1)
    x = ops.relu(batch_norm(layers.Conv1D(dimension, 1, name="tokens")(x), "tokens_bn"))
    x = encode(
        x,
        blocks=BLOCKS,
        heads=HEADS,
        hidden_units=4 * dimension,
        attention_dropout=0.4,
        positions=True,
    )
    return keras.Model(inputs, tag_scores(layers.Dropout(0.5)(x), n_tags), name="cnnsa_musicnn")
