"""Limits the size of networks from manifests and recipes, before memory is allocated."""

import math
from collections.abc import Iterator, Mapping, Sequence

import keras

MAX_ARGUMENT = 2**16
"""Larger than any sensible number of channels or units, or length."""

MAX_ARGUMENTS = 512
MAX_DEPTH = 8

MAX_WEIGHTS = 2**29
"""2 GiB in float32."""

MAX_OUTPUT = 2**26
"""Values in a layer's output for one window: 256 MiB in float32."""


def check_arguments(arguments: Mapping[str, object]) -> None:
    """Check the arguments of an architecture.

    Raises:
        ValueError: A number is too large, or there are too many values or levels of nesting.
    """
    for count, value in enumerate(_leaves(arguments, 0)):
        if isinstance(value, int | float) and not abs(value) <= MAX_ARGUMENT:
            raise ValueError(f"a number is too large; expected at most {MAX_ARGUMENT:,}")
        if count >= MAX_ARGUMENTS:
            raise ValueError(f"there are more than {MAX_ARGUMENTS} values")


def check_size(network: keras.Model) -> None:
    """Check the size of a network.

    Raises:
        ValueError: It has too many weights, or the output of a layer is too large.
    """
    count = sum(math.prod(variable.shape) for variable in network.variables)
    if count > MAX_WEIGHTS:
        raise ValueError(f"the network has {count:,} weights; expected at most {MAX_WEIGHTS:,}")
    for layer, numbers in _outputs(network):
        if numbers > MAX_OUTPUT:
            raise ValueError(
                f"layer {layer!r} outputs {numbers:,} numbers for a window; expected at most "
                f"{MAX_OUTPUT:,}"
            )


def _leaves(value: object, depth: int) -> Iterator[object]:
    if depth > MAX_DEPTH:
        raise ValueError(f"values are nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _leaves(each, depth + 1)
    else:
        yield value


def _outputs(network: keras.Model) -> Iterator[tuple[str, int]]:
    """Yield each layer with the size of its output for one window; unknown axes count as 1."""
    for operation in network.operations:
        if isinstance(operation, keras.Model):
            yield from _outputs(operation)
        for tensor in keras.tree.flatten(operation.output):
            yield operation.name, math.prod(length or 1 for length in tensor.shape)
