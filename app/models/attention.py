"""What the transformers are made of: attention, a block of it, learnt tokens and places.

Keras has a layer for attention, whose kernels have an axis for the heads. Here each projection is a
`Dense`: its weights lie as PyTorch stores them, and engines know the products as plain ones.
"""

import keras
from keras import KerasTensor, layers, ops

from app.models.blocks import EPSILON


@keras.saving.register_keras_serializable("taggram")
class Token(layers.Layer):
    """Puts a learnt token before the others: (batch, n, width) -> (batch, 1 + n, width)."""

    def __init__(self, deviation: float = 0.02, **kwargs: object) -> None:
        """Set it up.

        Args:
            deviation: Standard deviation of the token's first values.
            kwargs: The layer's name, for one.
        """
        super().__init__(**kwargs)
        self.deviation = deviation

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Draw the token."""
        self.token = self.add_weight(
            name="token",
            shape=(shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=self.deviation),
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        """Give each window of the batch the same token."""
        return before(self.token, x)


@keras.saving.register_keras_serializable("taggram")
class Positions(layers.Layer):
    """Adds what is learnt for each place: (batch, n, width) -> (batch, n, width)."""

    def __init__(self, places: int, width: int, deviation: float = 0.02, **kwargs: object) -> None:
        """Set it up.

        Args:
            places: The most tokens that there may be.
            width: Numbers a token; the input may have one for all of them.
            deviation: Standard deviation of the first values.
            kwargs: The layer's name, for one.
        """
        super().__init__(**kwargs)
        self.places = places
        self.width = width
        self.deviation = deviation

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Draw the table."""
        if shape[1] is None or shape[1] > self.places:
            raise ValueError(f"{self.name}: {shape[1]} tokens, but there are {self.places} places")
        self.table = self.add_weight(
            name="table",
            shape=(1, self.places, self.width),
            initializer=keras.initializers.RandomNormal(stddev=self.deviation),
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        """Add the first n rows of the table."""
        return ops.add(x, self.table[:, : x.shape[1]])


def before(token: KerasTensor, x: KerasTensor) -> KerasTensor:
    """Put one token, (width,), before those of every window: (batch, 1 + n, width)."""
    first = ops.add(ops.zeros_like(x[:, :1]), ops.cast(token, x.dtype))
    return ops.concatenate([first, x], axis=1)


def attend(
    query: KerasTensor, key: KerasTensor, value: KerasTensor, heads: int, dropout: float = 0.0
) -> KerasTensor:
    """Gather for each token the values of those whose keys match its query.

    All are (batch, tokens, features), the result too; each head has its share of the features.

    Raises:
        ValueError: The features can't be shared out.
    """
    tokens, features = query.shape[1:]
    if features % heads:
        raise ValueError(f"attention: {features} features can't be shared among {heads} heads")

    def shared(x: KerasTensor) -> KerasTensor:
        x = ops.reshape(x, (-1, tokens, heads, features // heads))
        return ops.transpose(x, (0, 2, 1, 3))

    matches = ops.matmul(shared(query), ops.transpose(shared(key), (0, 1, 3, 2)))
    weights = ops.softmax(matches * (features // heads) ** -0.5)
    gathered = ops.matmul(layers.Dropout(dropout)(weights), shared(value))
    return ops.reshape(ops.transpose(gathered, (0, 2, 1, 3)), (-1, tokens, features))


def pre_norm_block(
    x: KerasTensor, heads: int, name: str, *, dropout: float, features: int | None = None
) -> KerasTensor:
    """Attention, then two dense layers, each normalised before and added to what it was given.

    As in ViT: (batch, tokens, width) -> (batch, tokens, width).

    Args:
        x: Tokens.
        heads: Heads of the attention.
        name: What the names of the layers begin with.
        dropout: Share of the numbers that each sub-layer loses in training.
        features: Width of queries, keys and values, as wide as a token by default.
    """
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_1")(x)
    y = layers.Dense(3 * (features or width), use_bias=False, name=f"{name}_qkv")(y)
    query, key, value = ops.split(y, 3, axis=-1)
    y = layers.Dense(width, name=f"{name}_out")(attend(query, key, value, heads))
    x = ops.add(x, layers.Dropout(dropout)(y))
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_2")(x)
    y = layers.Dense(4 * width, activation="gelu", name=f"{name}_dense_1")(y)
    y = layers.Dense(width, name=f"{name}_dense_2")(layers.Dropout(dropout)(y))
    return ops.add(x, layers.Dropout(dropout)(y))
