"""Keras architectures, one a file, and the one place that builds them by name."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from app.models import musicnn, vgg
from app.models.folding import Folded, Weights


@dataclass(frozen=True)
class Architecture:
    """What the store needs of an architecture.

    Attributes:
        network: Builds it with random weights: (batch, frames, mels) to (batch, n_tags) in 0..1.
            Takes `n_tags`, `frames`, `mels` and arguments of its own.
        folded: Arguments and weights of the network with the same scores and less arithmetic.
    """

    network: Callable[..., keras.Model]
    folded: Callable[[Weights, int], Folded]


ARCHITECTURES = {
    "musicnn": Architecture(musicnn.musicnn, musicnn.folded),
    "vgg": Architecture(vgg.vgg, vgg.folded),
}
