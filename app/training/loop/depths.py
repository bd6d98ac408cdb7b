"""The depth of a network's layers, by which fine-tuning freezes them and lowers their rates."""

from collections.abc import Iterable, Sequence

import keras

from app.errors import SetupError
from app.training.recipe.release import Release

ROUNDING = 1e-9
"""Depths are fractions."""


def freeze_below(scoring: keras.Model, release: Release, frozen: Iterable[str]) -> None:
    """Set which layers are trained; the model must be compiled again.

    A frozen normalisation keeps its means and variances too.

    Args:
        scoring: The network.
        release: The stage's options.
        frozen: Prefixes of layers that the phase never trains.

    Raises:
        SetupError: The network consists of several networks.
    """
    depths = relative_depths(scoring)
    for layer in _weighted(scoring):
        released = depths[layer.name] <= release.share + ROUNDING
        layer.trainable = released and not layer.name.startswith(tuple(frozen))


def rate_factors(
    scoring: keras.Model, release: Release, trained: Sequence[keras.Variable]
) -> list[float]:
    """Return the factor of the learning rate of each trained variable.

    Args:
        scoring: The network.
        release: The stage's options.
        trained: The variables, of any shape; those outside of the network have the factor 1.

    Raises:
        SetupError: The network consists of several networks.
    """
    depths = relative_depths(scoring)
    factors = {
        id(variable): release.first_layer_rate ** depths[layer.name]
        for layer in _weighted(scoring)
        for variable in layer.weights
    }
    return [factors.get(id(variable), 1.0) for variable in trained]


def relative_depths(scoring: keras.Model) -> dict[str, float]:
    """Return the depth of each layer with weights by its name: 0 is the last layer, 1 the first.

    Layers are counted on the longest way to the output. A normalisation counts as part of the layer
    before it, and layers side by side have the same depth.

    Raises:
        SetupError: The network consists of several networks.
    """
    if any(isinstance(layer, keras.Model) for layer in scoring.layers):
        raise SetupError(
            f"{scoring.name} consists of several networks, of which layers can't be released by "
            "depth; choose an architecture of one network"
        )
    counts: dict[int, int] = {}  # by tensor: the layers between it and the output
    depths: dict[str, int] = {}
    for operation in reversed(scoring.operations):  # each comes after those that use its output
        outputs = keras.tree.flatten(operation.output)
        depth = max(counts.get(id(tensor), 0) for tensor in outputs)
        weights = operation.weights if isinstance(operation, keras.layers.Layer) else []
        if weights:
            depths[operation.name] = depth
        if isinstance(operation, keras.layers.InputLayer):
            continue
        below = depth + any(len(variable.shape) > 1 for variable in weights)
        for tensor in keras.tree.flatten(operation.input):
            counts[id(tensor)] = max(below, counts.get(id(tensor), 0))
    deepest = max(1, *depths.values())
    return {name: depth / deepest for name, depth in depths.items()}


def _weighted(scoring: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in scoring.layers if layer.weights]
