"""CNNSA behind SampleCNN's first layers: a transformer over tokens of 15 ms of raw audio.

Won, Chun & Serra, "Toward interpretable music tagging with self-attention", 2019
(arXiv:1906.04972): the raw-audio network of its tables, layer by layer as in the released code.
Tokens have sinusoids for their positions; the class token is a constant.
"""

from collections.abc import Sequence

import keras
from keras import layers

from app.front_ends import FrontEnd
from app.models.blocks.class_token_encoder import encode, torch_layers
from app.models.blocks.convolutions import tag_scores
from app.models.blocks.sample_level import sample_level, waveform

FRONT_END = FrontEnd(sample_rate=16_000)
WINDOW_SAMPLES = 65_610
"""270 tokens of 243 samples, 4.1 seconds."""

CHANNELS = (64, 64, 128, 128, 128)
BLOCKS = 2
HEADS = 8
ATTENTION = "_attention"
"""The ending of the layers with attention weights; their first row is that of the class token."""

_CONVOLUTIONS = (
    "init_conv",
    *(f"convs.{number}" for number in range(len(CHANNELS) - 1)),
    "conv1x1",
)
TORCH_LAYERS = {
    f"front_end.{module}.{part}": f"conv_{number}{ours}"
    for number, module in enumerate(_CONVOLUTIONS, start=1)
    for part, ours in {"conv": "", "bn": "_bn"}.items()
} | {**torch_layers(BLOCKS, "back_end."), "classifier": "tags"}
"""Our layers by the modules of the released code."""


def cnnsa_sample_cnn(
    n_tags: int,
    window: Sequence[int],
    channels: Sequence[int] = CHANNELS,
    dimension: int = 512,
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        channels: Channels of each convolution: the one with strides of three samples, and those
            followed by a pooling by three.
        dimension: Width of a token, divisible by the eight heads: the channels of the last
            convolution, which is seven tokens long.

    Raises:
        ValueError: The window has another shape, or is too short.
    """
    inputs, x = waveform(window)
    x = encode(
        sample_level(x, (*channels, dimension), last_kernel=7)[-1],
        blocks=BLOCKS,
        heads=HEADS,
        hidden_units=4 * dimension,
        attention_dropout=0.4,
        positions=True,
    )
    return keras.Model(inputs, tag_scores(layers.Dropout(0.5)(x), n_tags), name="cnnsa_sample_cnn")
