"""Folds filters with constant output into one, which makes a network smaller at equal scores.

Weight decay drove most filters of the published MusiCNN and VGG weights to zero. For any melgram
such a filter outputs relu(bias), and its normalisation turns that into another constant. Of the
weights trained on the Million Song Dataset, 180 of 204 and 190 of 204 timbral filters are constant,
which take nine tenths of the arithmetic.

All constant filters of a layer are replaced by a single one that outputs 1. Its weights in the next
layer are the sum of the weights of the constant filters, each times its constant. Padding affects
it as it affected the constants, so the scores stay the same except for float32 rounding. The
`folded` function of an architecture applies these functions to its layers.

Other filters are not constant, but their effect on scores is negligible: replacing each by its mean
output changes no score by more than a bound. A manifest may list them, as measured by
`python -m loadtests.quality.folding`; they are folded as constant filters are.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Weights = Mapping[str, Array]
Folded = tuple[dict[str, object], dict[str, Array]]
"""Arguments of the architecture for the smaller network, and its weights."""

Negligible = Mapping[str, Sequence[tuple[int, float]]]
"""For each layer, filters with a negligible effect and their mean outputs."""

EPSILON = 1e-3
"""The epsilon of the batch normalisations of the published networks."""

NEGLIGIBLE = 1e-5
"""A filter is constant if the sum of its absolute weights, after normalisation, is less."""

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
"""Weights with which a filter, its ReLU and its normalisation output 1."""


def constant_outputs(weights: Weights, layer: str) -> Array:
    """Return the constant output of each filter of a convolution, (filters,); NaN if it is active.

    A ReLU and then the normalisation `<layer>_bn` follow the convolution.
    """
    gain, shift = normalisation(weights, f"{layer}_bn")
    reach = np.abs(gain * weights[f"{layer}/kernel"])
    outputs = gain * np.maximum(weights[f"{layer}/bias"], 0) + shift
    return np.where(reach.reshape(-1, len(gain)).sum(axis=0) < NEGLIGIBLE, outputs, np.nan)


def fixed_outputs(weights: Weights, layer: str, negligible: Negligible) -> Array:
    """Return `constant_outputs`, and in their places the mean outputs of negligible filters.

    Raises:
        ValueError: The layer has no filter of that number.
    """
    outputs = constant_outputs(weights, layer)
    for number, mean in negligible.get(layer, ()):
        if number >= len(outputs):
            raise ValueError(f"{layer} has {len(outputs)} filters; there is no filter {number}")
        outputs[number] = mean
    return outputs


def check_layers(negligible: Negligible, layers: Sequence[str]) -> None:
    """Check that negligible filters are in layers that can be folded.

    Raises:
        ValueError: A layer is another one.
    """
    for layer in negligible:
        if layer not in layers:
            raise ValueError(f"{layer} is not a layer to fold; expected one of {', '.join(layers)}")


def normalisation(weights: Weights, layer: str) -> tuple[Array, Array]:
    """Return a batch normalisation as a gain and a shift, each (channels,)."""
    gain = weights[f"{layer}/gamma"] / np.sqrt(weights[f"{layer}/moving_variance"] + EPSILON)
    return gain, weights[f"{layer}/beta"] - gain * weights[f"{layer}/moving_mean"]


def keep_active(weights: Weights, layer: str, fixed: Array, *, ones: int = 0) -> dict[str, Array]:
    """Return the weights of a convolution and its normalisation without its constant filters.

    Args:
        weights: The weights of the whole network.
        layer: The name of the convolution.
        fixed: Its `constant_outputs`, (filters,).
        ones: Number of filters that output 1 to append.
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


def fold_inputs(kernel: Array, fixed: Array, axis: int) -> Array:
    """Return the next layer's weights for the active filters and then for the filter of ones.

    Args:
        kernel: The next layer's weights.
        fixed: The `constant_outputs` of its inputs, (inputs,).
        axis: The axis of the inputs in `kernel`.
    """
    active = np.compress(np.isnan(fixed), kernel, axis)
    one = np.tensordot(np.nan_to_num(fixed), kernel, (0, axis)).astype(np.float32)
    return np.concatenate([active, np.expand_dims(one, axis)], axis)


def best_phases(length: int, filters: int) -> int:
    """Return how many neighbouring frames a temporal convolution should compute at a time.

    CPUs compute `LANES` filters at a time, even if there are fewer.

    Args:
        length: Length of the filters, in frames.
        filters: Number of filters.
    """

    def work(phases: int) -> float:
        """Return the cost of computing this number of frames at a time."""
        return math.ceil(filters * phases / LANES) * (length + phases - 1) / phases

    return min(range(1, LANES + 1), key=work)


def add_phases(weights: Weights, layer: str, phases: int) -> dict[str, Array]:
    """Return the weights of a temporal convolution that computes `phases` frames at a time.

    It has each filter once per phase, shifted by a frame each time.

    Args:
        weights: The weights of the whole network.
        layer: The name of the convolution.
        phases: Number of neighbouring frames that it computes at a time.

    Returns:
        The weights by path; kernels are (frames, bins, channels, filters).
    """
    repeated = {
        path: np.concatenate([array] * phases, axis=-1)
        for path, array in weights.items()
        if path.startswith((f"{layer}/", f"{layer}_bn/"))
    }
    kernel = weights[f"{layer}/kernel"]
    shifts = [((phase, phases - 1 - phase), (0, 0), (0, 0), (0, 0)) for phase in range(phases)]
    kernels = [np.pad(kernel, padding) for padding in shifts]
    return {**repeated, f"{layer}/kernel": np.concatenate(kernels, axis=-1)}
