"""Building blocks of the transformers: attention, blocks, trained tokens and positions.

The kernels of Keras's attention layer have an axis for the heads. Here each projection is a `Dense`
layer: its weights have PyTorch's layout, and engines run it as a plain matrix product.
"""

import keras
from keras import KerasTensor, layers, ops

from app.models.blocks.convolutions import EPSILON


@keras.saving.register_keras_serializable("taggram")
class Token(layers.Layer):
    """Prepends a trained token: (batch, n, width) -> (batch, 1 + n, width)."""

    def __init__(self, std: float = 0.02, **kwargs: object) -> None:
        """Create the layer.

        Args:
            std: Standard deviation of the token's initial values.
            kwargs: Arguments of `Layer`, such as `name`.
        """
        super().__init__(**kwargs)
        self.std = std

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create the token.

        Args:
            shape: (batch, n, width) of the input.
        """
        self.token = self.add_weight(
            name="token",
            shape=(shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=self.std),
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        """Prepend the token to each window, (batch, n, width) -> (batch, 1 + n, width)."""
        return prepend(self.token, x)


@keras.saving.register_keras_serializable("taggram")
class Positions(layers.Layer):
    """Adds a trained position embedding: (batch, n, width) -> (batch, n, width)."""

    def __init__(self, positions: int, width: int, std: float = 0.02, **kwargs: object) -> None:
        """Create the layer.

        Args:
            positions: Most tokens.
            width: Width of a token; an input of width 1 is broadcast.
            std: Standard deviation of the initial values.
            kwargs: Arguments of `Layer`, such as `name`.
        """
        super().__init__(**kwargs)
        self.positions = positions
        self.width = width
        self.std = std

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create the table, (1, positions, width).

        Raises:
            ValueError: The input has more tokens than positions.
        """
        if shape[1] is None or shape[1] > self.positions:
            raise ValueError(
                f"{self.name}: there are {shape[1]} tokens; expected at most {self.positions}"
            )
        self.table = self.add_weight(
            name="table",
            shape=(1, self.positions, self.width),
            initializer=keras.initializers.RandomNormal(stddev=self.std),
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        """Add the first n rows of the table, (batch, n, width) -> (batch, n, width)."""
        return ops.add(x, self.table[:, : x.shape[1]])


def prepend(token: KerasTensor, x: KerasTensor) -> KerasTensor:
    """Prepend a token, (width,), to (batch, n, width), and return (batch, 1 + n, width)."""
    first = ops.add(ops.zeros_like(x[:, :1]), ops.cast(token, x.dtype))
    return ops.concatenate([first, x], axis=1)


def attend(
    query: KerasTensor,
    key: KerasTensor,
    value: KerasTensor,
    heads: int,
    dropout: float = 0.0,
    name: str | None = None,
) -> KerasTensor:
    """Compute scaled dot-product attention with several heads (Vaswani et al., arXiv:1706.03762).

    Args:
        query: (batch, tokens, features).
        key: (batch, tokens, features).
        value: (batch, tokens, features).
        heads: Number of heads, among which the features are divided.
        dropout: Rate of dropout of the attention weights.
        name: Name of the layer that outputs the weights, (batch, heads, tokens, tokens).

    Returns:
        (batch, tokens, features).

    Raises:
        ValueError: The features can't be divided among the heads.
    """
    tokens, features = query.shape[1:]
    if features % heads:
        raise ValueError(f"attention: {features} features can't be divided among {heads} heads")

    def split_heads(x: KerasTensor) -> KerasTensor:
        """Return (batch, heads, tokens, features / heads) of (batch, tokens, features)."""
        x = ops.reshape(x, (-1, tokens, heads, features // heads))
        return ops.transpose(x, (0, 2, 1, 3))

    similarity = ops.matmul(split_heads(query), ops.transpose(split_heads(key), (0, 1, 3, 2)))
    weights = layers.Softmax(name=name)(similarity * (features // heads) ** -0.5)
    attended = ops.matmul(layers.Dropout(dropout)(weights), split_heads(value))
    return ops.reshape(ops.transpose(attended, (0, 2, 1, 3)), (-1, tokens, features))


def pre_norm_block(
    x: KerasTensor, heads: int, name: str, *, dropout: float, features: int | None = None
) -> KerasTensor:
    """Apply attention, then two dense layers, each with layer normalisation before and a residual.

    As in ViT (Dosovitskiy et al., arXiv:2010.11929).

    Args:
        x: Tokens, (batch, tokens, width).
        heads: Heads of the attention.
        name: Prefix of the layers' names.
        dropout: Rate of dropout after each sub-layer.
        features: Width of queries, keys and values; the width of a token by default.

    Returns:
        (batch, tokens, width).

    Raises:
        ValueError: The features can't be divided among the heads.
    """
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_1")(x)
    y = layers.Dense(3 * (features or width), use_bias=False, name=f"{name}_qkv")(y)
    query, key, value = ops.split(y, 3, axis=-1)
    y = attend(query, key, value, heads, name=f"{name}_attention")
    y = layers.Dense(width, name=f"{name}_out")(y)
    x = ops.add(x, layers.Dropout(dropout)(y))
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_2")(x)
    y = layers.Dense(4 * width, activation="gelu", name=f"{name}_dense_1")(y)
    y = layers.Dense(width, name=f"{name}_dense_2")(layers.Dropout(dropout)(y))
    return ops.add(x, layers.Dropout(dropout)(y))
