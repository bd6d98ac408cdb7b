"""Weights of our networks as PyTorch would have them."""

from collections.abc import Mapping

import numpy as np

from app.models import architectures

_PARTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""PyTorch's names by ours, where they differ."""


def as_torch_state(architecture: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the state dict of a network without recurrent layers.

    Args:
        architecture: The network.
        arrays: Its weights by our paths.
    """
    modules = {ours: theirs for theirs, ours in architectures()[architecture].torch_layers.items()}
    state = {}
    for path, array in arrays.items():
        layer, part = path.split("/")
        key = f"{modules[layer]}.{_PARTS.get(part, part)}"
        state[key] = np.ascontiguousarray(array.T if part == "kernel" else array)
    return state
