"""Keras architectures, one a file, and the one place that builds them by name."""

from collections.abc import Callable

import keras

from app.models.musicnn import musicnn
from app.models.vgg import vgg

_ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {"musicnn": musicnn, "vgg": vgg}


def architectures() -> tuple[str, ...]:
    """Names that `build` knows."""
    return tuple(sorted(_ARCHITECTURES))


def build(
    architecture: str, *, n_tags: int, frames: int, mels: int, **arguments: object
) -> keras.Model:
    """Build a network with random weights: (batch, frames, mels) to (batch, n_tags) in 0..1.

    Raises:
        KeyError: No architecture has that name.
        TypeError, ValueError: The architecture can't be built with these arguments.
    """
    return _ARCHITECTURES[architecture](n_tags, frames, mels, **arguments)
