"""Embedding probe: a small head on what a frozen network makes of a window.

The way in which representations are judged, as of Jukebox by Castellon et al., "Codified audio
language modeling learns useful representations for music information retrieval", ISMIR 2021
(arXiv:2107.05677), called CALM. Its encoder, a prior of 5 billion parameters at 44.1 kHz, is out of
reach here: whoever has it runs it elsewhere, and gives the means of its layer 36 over the first 25
seconds, 4,800 numbers a track, to `head`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import keras
from keras import layers, ops

from app.models.blocks import tag_scores

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
        """Window (batch, *window) to scores (batch, n_tags), the last layer being `tags`."""


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
        network: How the encoder is built.
        n_tags: Number of tags.
        window: As the encoder hears it.
        sample_rate: The front end's, in Hz.
        encoder: An architecture; what its last layer hears is the embedding. It learns nothing.
        arguments: What the encoder is built with.
        hidden_units: Width of a layer before the last; 0 for none.
    """
    scoring = network(encoder, 1, window, sample_rate, arguments or {})
    embedding = keras.Model(scoring.input, scoring.get_layer("tags").input, name="encoder")
    embedding.trainable = False
    heard = keras.Input(tuple(window), name="window")
    probe = head(n_tags, embedding.output_shape[-1], hidden_units)
    return keras.Model(heard, probe(embedding(heard, training=False)), name="embedding_probe")


def head(n_tags: int, dimensions: int = CALM_DIMENSIONS, hidden_units: int = 0) -> keras.Model:
    """Build a probe: vectors (batch, dimensions), of whichever encoder, to scores (batch, n_tags).

    Args:
        n_tags: Number of tags.
        dimensions: Length of a vector.
        hidden_units: Width of a layer before the last; 0 for a linear probe.
    """
    vectors = keras.Input((dimensions,), name="vectors")
    x = vectors
    if hidden_units:
        x = ops.relu(layers.Dense(hidden_units, name="hidden")(x))
        x = layers.Dropout(0.5)(x)
    return keras.Model(vectors, tag_scores(x, n_tags), name="head")
