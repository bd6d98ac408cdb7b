"""Building blocks of the networks of Choi et al. 2017: convolution, normalisation, ELU, pooling.

Choi, Fazekas, Sandler & Cho, "Convolutional recurrent neural networks for music classification",
ICASSP 2017 (arXiv:1609.04243). All their networks take the same melgrams.
"""

from collections.abc import Sequence

from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import Size, batch_norm, max_pool_2d, tag_scores
from app.spectra import Decibels, Mel, Spectrum

FRONT_END = FrontEnd(
    12_000, Spectrum((512,), 256, bands=Mel(96, 0.0, 6_000.0), log=Decibels(1e-10))
)
WINDOW_SAMPLES = 349_440
"""1,366 frames, 29.12 seconds."""


def conv_elu(x: KerasTensor, channels: int, name: str, *, kernel: Size, pool: Size) -> KerasTensor:
    """Convolve without changing the size, normalise as `<name>_bn`, ELU, take maxima.

    Args:
        x: (batch, frames, bins, channels).
        channels: Channels of the output.
        name: Name of the convolution.
        kernel: Size of the filters, (frames, bins).
        pool: Size of the pooling, (frames, bins).

    Returns:
        (batch, frames / pool, bins / pool, channels).

    Raises:
        ValueError: The input is smaller than a pool.
    """
    x = layers.Conv2D(channels, kernel, padding="same", name=name)(x)
    return max_pool_2d(ops.elu(batch_norm(x, f"{name}_bn")), pool)


def dense_head_elu(x: KerasTensor, n_tags: int, hidden_units: Sequence[int]) -> KerasTensor:
    """Score features by layers `hidden_1`, `hidden_2` ... with normalisation, ELU and dropout.

    Args:
        x: (batch, ...), flattened here.
        n_tags: Number of tags.
        hidden_units: Width of each hidden layer.

    Returns:
        (batch, n_tags) in 0..1.
    """
    x = layers.Flatten()(x)
    for number, units in enumerate(hidden_units, start=1):
        x = layers.Dense(units, name=f"hidden_{number}")(x)
        x = ops.elu(batch_norm(x, f"hidden_{number}_bn"))
        x = layers.Dropout(0.5)(x)
    return tag_scores(x, n_tags)
