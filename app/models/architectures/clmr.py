"""CLMR: a SampleCNN trained without tags by contrastive learning, with a small probe for the tags.

Spijkervet & Burgoyne, "Contrastive learning of musical representations", ISMIR 2021
(arXiv:2103.09410). The encoder's last filters are three frames long instead of one, and the first
convolution is not padded. The projection head of the contrastive loss is not part of the tagger.
"""

from collections.abc import Sequence

import keras
from keras import layers

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import tag_scores
from app.models.blocks.sample_level import global_max_pool, sample_level, waveform

FRONT_END = FrontEnd(sample_rate=22_050)
WINDOW_SAMPLES = 59_049

CHANNELS = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512)

TORCH_LAYERS = {
    f"encoder.sequential.{place}.{part}": f"conv_{place + 1}{ours}"
    for place in range(len(CHANNELS))
    for part, ours in enumerate(("", "_bn"))
} | {"model.0": "tags"}
"""Our layers by the modules of the released encoder and of a linear probe."""


def clmr_encoder(window: Sequence[int], channels: Sequence[int] = CHANNELS) -> keras.Model:
    """Build the encoder: window (batch, samples) to features (batch, channels).

    Args:
        window: (samples,).
        channels: Channels of each convolution: the one with strides of three samples, those
            followed by a pooling by three, and the last.

    Raises:
        ValueError: The window has another shape, or is too short.
    """
    inputs, x = waveform(window)
    x = global_max_pool(sample_level(x, channels, last_kernel=3, stem_padding=0)[-1])
    return keras.Model(inputs, x, name="clmr_encoder")


def clmr(
    n_tags: int,
    window: Sequence[int],
    hidden_units: int = 0,
    channels: Sequence[int] = CHANNELS,
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        hidden_units: Width of the probe's hidden layer, 512 as published; 0 for a linear probe.
        channels: Channels of the encoder's convolutions, see `clmr_encoder`.

    Raises:
        ValueError: The window has another shape, or is too short.
    """
    encoder = clmr_encoder(window, channels)
    x = encoder.output
    x = layers.Dense(hidden_units, activation="relu", name="hidden")(x) if hidden_units else x
    return keras.Model(encoder.input, tag_scores(x, n_tags), name="clmr")
