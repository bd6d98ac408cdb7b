"""How large a network may be whose arguments somebody wrote: known before any memory is taken."""

import math
from collections.abc import Iterator, Mapping, Sequence

import keras

LARGEST_ARGUMENT = 2**16
"""Channels, units and lengths are smaller."""

MOST_ARGUMENTS = 512
DEEPEST = 8

MOST_WEIGHTS = 2**29
"""Numbers: 2 GiB."""

LARGEST_OUTPUT = 2**26
"""Numbers that a layer may make of a window: 256 MiB."""


def check_arguments(arguments: Mapping[str, object]) -> None:
    """Hold what an architecture is to be built with against what can be meant.

    Raises:
        ValueError: A number is too large, or there are too many of them.
    """
    for count, value in enumerate(_leaves(arguments, 0)):
        if isinstance(value, int | float) and not abs(value) <= LARGEST_ARGUMENT:
            raise ValueError(f"a number is larger than any that is meant, {LARGEST_ARGUMENT:,}")
        if count >= MOST_ARGUMENTS:
            raise ValueError(f"there are more than {MOST_ARGUMENTS} of them")


def check_size(network: keras.Model) -> None:
    """Hold a network against what can be computed.

    Raises:
        ValueError: It has too many weights, or a layer makes too much of a window.
    """
    count = sum(math.prod(variable.shape) for variable in network.variables)
    if count > MOST_WEIGHTS:
        raise ValueError(f"the network has {count:,} weights; at most {MOST_WEIGHTS:,} are built")
    for layer, numbers in _outputs(network):
        if numbers > LARGEST_OUTPUT:
            raise ValueError(
                f"layer {layer!r} makes {numbers:,} numbers of a window; at most "
                f"{LARGEST_OUTPUT:,} are computed"
            )


def _leaves(value: object, depth: int) -> Iterator[object]:
    if depth > DEEPEST:
        raise ValueError(f"they nest deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _leaves(each, depth + 1)
    else:
        yield value


def _outputs(network: keras.Model) -> Iterator[tuple[str, int]]:
    """Each layer with the numbers that it makes of one window, as far as they are known."""
    for operation in network.operations:
        if isinstance(operation, keras.Model):
            yield from _outputs(operation)
        for tensor in keras.tree.flatten(operation.output):
            yield operation.name, math.prod(length or 1 for length in tensor.shape)
