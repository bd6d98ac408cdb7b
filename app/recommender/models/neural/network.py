"""The network: two towers, and a head that rates pairs.

Subgenres of both sides share a projection, and so do the tag vectors of what was sent, accepted and
declined. Embeddings of ids begin at zero, so that only evidence moves an artist or a curator away
from what its content says; 0 is the id of those without evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers

from app.recommender.data import Floats
from app.recommender.models.neural.inputs import Inputs, Sizes

ID_SIZE, COUNTRY_SIZE, SUBGENRE_SIZE, TAG_SIZE = 16, 4, 16, 32
HIDDEN, TOWER_SIZE = 64, 32
DROPOUT = 0.2

SEED = 0
"""Of the initial weights, dropout, and the order of batches."""


@dataclass(frozen=True, eq=False)
class Network:
    """The parts of the network.

    Attributes:
        artists: From the inputs of artists to vectors, (rows, `TOWER_SIZE`).
        curators: From the inputs of curators to vectors, (rows, `TOWER_SIZE`).
        head: From an artist's vector, a curator's and the pair's features to a rating, (rows, 1).
    """

    artists: keras.Model
    curators: keras.Model
    head: keras.Model

    @cached_property
    def embed_artists(self) -> Callable[[Inputs], tf.Tensor]:
        """Return the tower of artists, compiled: otherwise calls of single artists are slow."""
        compiled: Callable[[Inputs], tf.Tensor] = tf.function(self.artists, reduce_retracing=True)
        return compiled

    @cached_property
    def rate(self) -> Callable[[list[npt.NDArray[np.float32]]], tf.Tensor]:
        """Return the head, compiled."""
        compiled: Callable[[list[npt.NDArray[np.float32]]], tf.Tensor] = tf.function(
            self.head, reduce_retracing=True
        )
        return compiled

    @property
    def variables(self) -> list[keras.Variable]:
        """Return all variables, the states of dropout too, each once, in a fixed order."""
        parts = self.artists, self.curators, self.head
        return list({id(each): each for part in parts for each in part.variables}.values())

    @property
    def trained(self) -> list[keras.Variable]:
        """Return the trainable variables, in a fixed order."""
        return [each for each in self.variables if each.trainable]

    def set_linear(self, weights: Floats, bias: float) -> None:
        """Set the linear model in the head, with a weight for each feature."""
        self.head.get_layer("linear").set_weights([weights[:, np.newaxis], np.array([bias])])


def build_network(sizes: Sizes) -> Network:
    """Return a network with initial weights.

    Args:
        sizes: The sizes of the inputs.
    """
    country = layers.Embedding(sizes.countries, COUNTRY_SIZE, name="country_embedding")
    subgenres = layers.Dense(SUBGENRE_SIZE, use_bias=False, name="subgenre_projection")
    tags = layers.Dense(TAG_SIZE, use_bias=False, name="tag_projection") if sizes.tags else None
    widths = {"chosen": (sizes.subgenres, subgenres)}
    sides = {"liked": (sizes.subgenres, subgenres), "disliked": (sizes.subgenres, subgenres)}
    if tags is not None:
        widths["sent"] = (sizes.tags, tags)
        sides |= {"accepted": (sizes.tags, tags), "declined": (sizes.tags, tags)}
    artists = _tower("artists", sizes.artists, country, widths)
    return Network(artists, _tower("curators", sizes.curators, country, sides), _head(sizes))


def _tower(
    name: str,
    count: int,
    country: layers.Embedding,
    contents: dict[str, tuple[int, layers.Dense]],
) -> keras.Model:
    """Return a tower.

    Args:
        name: The name of the tower.
        count: The number of ids.
        country: The embedding of countries.
        contents: The width and the projection of each input of content, by name.
    """
    inputs = {each: keras.Input((), dtype="int32", name=each) for each in ("id", "country")}
    inputs |= {each: keras.Input((width,), name=each) for each, (width, _) in contents.items()}
    ids = layers.Embedding(count + 1, ID_SIZE, embeddings_initializer="zeros", name=f"{name}_id")
    parts = [ids(inputs["id"]), country(inputs["country"])]
    parts += [project(inputs[each]) for each, (_, project) in contents.items()]
    values = layers.Concatenate()(parts)
    values = layers.Dense(HIDDEN, activation="relu", name=f"{name}_hidden")(values)
    values = layers.Dropout(DROPOUT)(values)
    return keras.Model(inputs, layers.Dense(TOWER_SIZE, name=f"{name}_vector")(values), name=name)


def _head(sizes: Sizes) -> keras.Model:
    """Return the head: a linear model of the pair's features, and a hidden layer of all.

    The hidden layer begins without influence, so that it is trained on what the linear model, which
    begins at its least squares (`set_linear`), leaves over.
    """
    artist, curator = (keras.Input((TOWER_SIZE,), name=each) for each in ("artist", "curator"))
    features = keras.Input((sizes.features,), name="features")
    values = layers.Concatenate()([artist, curator, artist * curator, features])
    values = layers.Dense(HIDDEN, activation="relu", name="head_hidden")(values)
    values = layers.Dropout(DROPOUT)(values)
    linear = layers.Dense(1, name="linear")(features)
    deep = layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="deep")(values)
    return keras.Model([artist, curator, features], deep + linear, name="head")
