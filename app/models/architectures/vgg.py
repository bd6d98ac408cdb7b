"""VGG for melgrams: five small convolutions, each followed by a pooling.

The baseline that ships with musicnn (Pons & Serra 2019, arXiv:1909.06654), after the VGG of
Simonyan & Zisserman (arXiv:1409.1556) as Choi et al. applied it to tagging (arXiv:1606.00298).
Its two published sets of weights were trained with different poolings, according to the graphs
stored with them; the wheel's Python code builds the same one for both.
"""

from collections.abc import Sequence
from itertools import pairwise

import keras
from keras import layers

from app.models.architectures.musicnn import FRONT_END, WINDOW_SAMPLES
from app.models.blocks.convolutions import max_pool_2d, spectrogram, tag_scores
from app.models.folding import EPSILON, Folded, Weights, constant_outputs, fold_inputs, keep_active

__all__ = ["FRONT_END", "WINDOW_SAMPLES", "folded", "vgg"]

POOLS = ((4, 1, 2, 2), (2, 2, 2, 2), (2, 2, 2, 2), (2, 2, 2, 2), (4, 4, 4, 4))
"""The poolings of `MTT_vgg`; see `vgg`."""
DROPOUTS = (0.25, 0.25, 0.25, 0.25, 0.5)


def vgg(
    n_tags: int,
    window: Sequence[int],
    pools: Sequence[Sequence[int]] = POOLS,
    channels: Sequence[int] = (128, 128, 128, 128, 128),
) -> keras.Model:
    """Build the network: melgram window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        pools: The pooling after each of the five convolutions, as size and stride:
            (frames, mels, frames, mels).
        channels: Channels of each convolution.

    Raises:
        ValueError: The window has another number of axes.
    """
    melgram, x = spectrogram(window)
    x = layers.BatchNormalization(epsilon=EPSILON, name="input_bn")(x)
    blocks = zip(channels, pools, DROPOUTS, strict=True)
    for number, (filters, pool, dropout) in enumerate(blocks, start=1):
        name = f"conv_{number}"
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
        x = max_pool_2d(x, pool[:2], pool[2:])
        x = layers.Flatten()(x) if number == len(pools) else x
        x = layers.Dropout(dropout)(x)
    return keras.Model(melgram, tag_scores(x, n_tags), name="vgg")


def folded(weights: Weights, window: Sequence[int]) -> Folded:  # noqa: ARG001 - all take it
    """Return the same network without its constant filters; see `app.models.folding`.

    The last convolution is not folded, as the layers behind it are small.

    Returns:
        Arguments of `vgg`, and the weights.
    """
    smaller = dict(weights)
    names = [f"conv_{number}" for number in range(1, len(DROPOUTS) + 1)]
    for layer, following in pairwise(names):
        fixed = constant_outputs(weights, layer)
        smaller[f"{following}/kernel"] = fold_inputs(weights[f"{following}/kernel"], fixed, axis=2)
        with_kernel = {**weights, f"{layer}/kernel": smaller[f"{layer}/kernel"]}
        smaller |= keep_active(with_kernel, layer, fixed, ones=1)
    return {"channels": [smaller[f"{layer}/bias"].size for layer in names]}, smaller
