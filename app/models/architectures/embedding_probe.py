"""Embedding probe: a small head on the embedding of a frozen network.

A usual way to evaluate representations, such as that of Jukebox (CALM) by Castellon et al.,
"Codified audio language modeling learns useful representations for music information retrieval",
ISMIR 2021 (arXiv:2107.05677). Its encoder, a prior of 5 billion parameters at 44.1 kHz, can't run
here. Run it elsewhere, and pass the mean of its layer 36 over the first 25 seconds, 4,800 numbers
per track, to `head`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import keras
from keras import layers, ops

from app.models.blocks.convolutions import tag_scores

CALM_DIMENSIONS = 4_800


class Network(Protocol):
    """Builds an architecture by its name."""

    def __call__(
        self,
        name: str,
        n_tags: int,
        window: Sequence[int],
        sample_rate: int,
        arguments: Mapping[str, object],
    ) -> keras.Model:
        """Build a network: window (batch, *window) to scores (batch, n_tags).

        The last layer is named `tags`.
        """


def embedding_probe(
    network: Network,
    n_tags: int,
    window: Sequence[int],
    sample_rate: int,
    encoder: str = "clmr",
    arguments: Mapping[str, object] | None = None,
    hidden_units: int = 0,
) -> keras.Model:
    """Build the network: window (batch, *window) to scores (batch, n_tags) in 0..1.

    Args:
        network: Builds the encoder.
        n_tags: Number of tags.
        window: The shape of the encoder's windows.
        sample_rate: The front end's, in Hz.
        encoder: An architecture; the input of its last layer is the embedding. It is not trained.
        arguments: Arguments of the encoder.
        hidden_units: Width of a layer before the last; 0 for none.

    Raises:
        ValueError: The encoder is unknown, or can't be built with these arguments.
    """
    scoring = network(encoder, 1, window, sample_rate, arguments or {})
    embedding = keras.Model(scoring.input, scoring.get_layer("tags").input, name="encoder")
    embedding.trainable = False
    inputs = keras.Input(tuple(window), name="window")
    probe = head(n_tags, embedding.output_shape[-1], hidden_units)
    return keras.Model(inputs, probe(embedding(inputs, training=False)), name="embedding_probe")


def head(n_tags: int, dimensions: int = CALM_DIMENSIONS, hidden_units: int = 0) -> keras.Model:
    """Build a probe: embeddings (batch, dimensions) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        dimensions: Length of an embedding.
        hidden_units: Width of a layer before the last; 0 for a linear probe.
    """
    vectors = keras.Input((dimensions,), name="vectors")
    x = vectors
    if hidden_units:
        x = ops.relu(layers.Dense(hidden_units, name="hidden")(x))
        x = layers.Dropout(0.5)(x)
    return keras.Model(vectors, tag_scores(x, n_tags), name="head")
