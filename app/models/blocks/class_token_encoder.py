"""The transformer encoder of Won et al. 2019: a constant class token, blocks as in BERT, a pooler.

Won, Chun & Serra, "Toward interpretable music tagging with self-attention", 2019
(arXiv:1906.04972).
"""

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from app.models.blocks.attention import attend, prepend

PROJECTIONS = ("query", "key", "value")
EPSILON = 1e-12
"""The epsilon of the encoder's normalisations."""

_TORCH_BLOCK = {
    **{f"attention.self.{part}": part for part in PROJECTIONS},
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "norm_1",
    "intermediate.dense": "dense_1",
    "output.dense": "dense_2",
    "output.LayerNorm": "norm_2",
}


@keras.saving.register_keras_serializable("taggram")
class ConstantToken(layers.Layer):
    """Prepends a constant token: (batch, n, width) -> (batch, 1 + n, width).

    It is drawn uniformly with a seed, as it is not in the checkpoints. The other tokens may get
    sines and cosines of their positions, 1 to n, which have no weights (Vaswani et al.,
    arXiv:1706.03762); as in the released code, position 0 adds nothing.
    """

    def __init__(self, positions: bool, **kwargs: object) -> None:
        """Create the layer.

        Args:
            positions: Whether to add sinusoids.
            kwargs: Arguments of `Layer`, such as `name`.
        """
        super().__init__(**kwargs)
        self.positions = positions

    def call(self, x: KerasTensor) -> KerasTensor:
        """Prepend the token to each window, and add the sinusoids."""
        tokens, width = x.shape[1:]
        if self.positions:
            x = ops.add(x, ops.cast(_sinusoids(tokens, width), x.dtype))
        return prepend(np.random.RandomState(0).uniform(size=width).astype(np.float32), x)

    def get_config(self) -> dict[str, object]:
        """Return the arguments of `__init__`."""
        return {**super().get_config(), "positions": self.positions}


def torch_layers(blocks: int, prefix: str = "") -> dict[str, str]:
    """Return our layers by the modules of the released weights.

    Args:
        blocks: Number of blocks.
        prefix: Of the names of all modules.
    """
    return {
        f"{prefix}encoder.layer.{number}.{theirs}": f"block_{number + 1}_{ours}"
        for number in range(blocks)
        for theirs, ours in _TORCH_BLOCK.items()
    } | {f"{prefix}pooler.dense": "pooler"}


def encode(
    x: KerasTensor,
    *,
    blocks: int,
    heads: int,
    hidden_units: int,
    attention_dropout: float,
    positions: bool = False,
) -> KerasTensor:
    """Prepend the class token, apply blocks `block_1` ... and `pooler`, and return its vector.

    Args:
        x: Tokens, (batch, tokens, width).
        blocks: Number of blocks.
        heads: Heads of the attention.
        hidden_units: Width of the first dense layer of a block.
        attention_dropout: Rate of dropout of the attention weights.
        positions: Whether to add sinusoids of the tokens' positions.

    Returns:
        (batch, width) in -1..1.
    """
    width = x.shape[-1]
    x = ConstantToken(positions, name="class_token")(x)
    for number in range(1, blocks + 1):
        x = _post_norm_block(x, f"block_{number}", heads, hidden_units, attention_dropout)
    return layers.Dense(width, activation="tanh", name="pooler")(x[:, 0])


def _sinusoids(tokens: int, width: int) -> np.ndarray:
    """Return the sines and cosines of the positions 1 to `tokens`, (1, tokens, width)."""
    exponents = 2 * (np.arange(width) // 2) / width
    angles = np.arange(1, tokens + 1)[:, np.newaxis] / 10_000**exponents
    table = np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))
    return table[np.newaxis].astype(np.float32)


def _post_norm_block(
    x: KerasTensor, name: str, heads: int, hidden_units: int, attention_dropout: float
) -> KerasTensor:
    """Attention and dense layers, each with layer normalisation after the residual, as in BERT.

    (batch, tokens, width) -> (batch, tokens, width).
    """
    width = x.shape[-1]
    query, key, value = (layers.Dense(width, name=f"{name}_{part}")(x) for part in PROJECTIONS)
    y = attend(query, key, value, heads, attention_dropout, name=f"{name}_attention")
    y = layers.Dense(width, name=f"{name}_out")(y)
    x = ops.add(x, layers.Dropout(0.4)(y))
    x = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_1")(x)
    y = layers.Dense(hidden_units, activation="gelu", name=f"{name}_dense_1")(x)
    y = layers.Dense(width, name=f"{name}_dense_2")(y)
    x = ops.add(x, layers.Dropout(0.4)(y))
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm_2")(x)
