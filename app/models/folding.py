"""Folds filters that say the same whatever they hear into one, before a network serves.

Weight decay drove most filters of the published MusiCNN and VGG weights to zero. Whatever the
melgram, such a filter gives relu(bias), and its normalisation turns that into another constant: of
the weights trained on the Million Song Dataset 180 of 204 and 190 of 204 timbral filters are so,
and with them nine tenths of the arithmetic.

All constant filters of a layer give way to a single one that gives 1; what the next layer made of
each of them is added up in that layer's weights for the one. Padding treats the one as it treated
the constants, so the scores stay what they were, but for float32's own noise. Each architecture
says with these functions how its layers follow one another.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Weights = Mapping[str, Array]
Folded = tuple[dict[str, object], dict[str, Array]]
"""Arguments of the architecture for the smaller network, and its weights."""

EPSILON = 1e-3
"""What the normalisations of the published networks add to the variance."""

NEGLIGIBLE = 1e-5
"""A filter whose weights, after its normalisation, add up to less than this counts as constant."""

LANES = 16
"""float32 numbers in a vector of AVX512."""

ONE = {
    "kernel": 0.0,
    "bias": 1.0,
    "gamma": 1.0,
    "beta": 0.0,
    "moving_mean": 0.0,
    "moving_variance": 1.0 - EPSILON,
}
"""What makes a convolution's filter, with its relu and normalisation, give 1."""


def constant_outputs(weights: Weights, layer: str) -> Array:
    """What each filter of a convolution always gives, (filters,); NaN for one that listens.

    A relu and then the normalisation `<layer>_bn` follow the convolution.
    """
    gain, shift = normalisation(weights, f"{layer}_bn")
    reach = np.abs(gain * weights[f"{layer}/kernel"])
    given = gain * np.maximum(weights[f"{layer}/bias"], 0) + shift
    return np.where(reach.reshape(-1, len(gain)).sum(axis=0) < NEGLIGIBLE, given, np.nan)


def normalisation(weights: Weights, layer: str) -> tuple[Array, Array]:
    """A batch normalisation as a gain and a shift, each (channels,)."""
    gain = weights[f"{layer}/gamma"] / np.sqrt(weights[f"{layer}/moving_variance"] + EPSILON)
    return gain, weights[f"{layer}/beta"] - gain * weights[f"{layer}/moving_mean"]


def keep_active(weights: Weights, layer: str, fixed: Array, *, ones: int = 0) -> dict[str, Array]:
    """The weights of a convolution and its normalisation without the filters of `fixed`.

    Args:
        weights: Those of the whole network.
        layer: The convolution.
        fixed: Its `constant_outputs`.
        ones: How many filters that give 1 come behind those that listen.
    """
    return {
        path: np.concatenate(
            [
                array[..., np.isnan(fixed)],
                np.full((*array.shape[:-1], ones), ONE[path.rpartition("/")[2]], np.float32),
            ],
            axis=-1,
        )
        for path, array in weights.items()
        if path.startswith((f"{layer}/", f"{layer}_bn/"))
    }


def merged(kernel: Array, fixed: Array, axis: int) -> Array:
    """The next layer's weights for the filters that listen, and behind them for the one.

    Args:
        kernel: The next layer's weights.
        fixed: The `constant_outputs` of its inputs.
        axis: Its axis of inputs.
    """
    listened = np.compress(np.isnan(fixed), kernel, axis)
    one = np.tensordot(np.nan_to_num(fixed), kernel, (0, axis)).astype(np.float32)
    return np.concatenate([listened, np.expand_dims(one, axis)], axis)


def best_phases(length: int, filters: int) -> int:
    """How many neighbouring frames a temporal convolution should answer at a time.

    CPUs compute `LANES` filters at a time, however few there are.
    """

    def work(phases: int) -> float:
        return math.ceil(filters * phases / LANES) * (length + phases - 1) / phases

    return min(range(1, LANES + 1), key=work)


def phased(weights: Weights, layer: str, phases: int) -> dict[str, Array]:
    """The weights of a temporal convolution that answers so many neighbouring frames at a time.

    Its filters stand there once for each phase, a frame later each time.
    """
    repeated = {
        path: np.concatenate([array] * phases, axis=-1)
        for path, array in weights.items()
        if path.startswith((f"{layer}/", f"{layer}_bn/"))
    }
    kernel = weights[f"{layer}/kernel"]
    later = [((phase, phases - 1 - phase), (0, 0), (0, 0), (0, 0)) for phase in range(phases)]
    kernels = [np.pad(kernel, padding) for padding in later]
    return {**repeated, f"{layer}/kernel": np.concatenate(kernels, axis=-1)}
