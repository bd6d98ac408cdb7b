"""Build the networks to train: from waveform to scores, including the melgram."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from app.errors import SetupError
from app.front_ends import WindowSpec
from app.models import architectures, network, shapes, variables
from app.models.front_end import track_frames
from app.training.recipe.schema import Phase, WeightTransfer

Weights = dict[str, np.ndarray]

ROUNDING = 1e-6
"""Added before a number of samples is rounded down, as seconds are inexact."""


class TrainingModel(keras.Model):
    """A network with an L2 penalty: `l2` times the sum of squares is added to the loss."""

    def __init__(self, *args: object, l2: float = 0.0, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def compute_loss(self, *args: object, **kwargs: object) -> tf.Tensor:
        """Return the compiled loss plus the L2 penalty.

        Returns:
            The mean loss of the batch, ().
        """
        loss = super().compute_loss(*args, **kwargs)
        if not self.l2:
            return loss
        squares = (ops.sum(ops.square(variable)) for variable in self.trainable_variables)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync  # their losses are summed
        return loss + self.l2 / replicas * sum(squares)


@dataclass(frozen=True, eq=False)
class Built:
    """A phase's network.

    Attributes:
        window_spec: Its window; windows don't overlap.
        scoring: Frames (batch, *window) to scores (batch, tags); this model is published.
        training_model: Waveform (batch, samples) to scores, or to projections for contrastive
            training.
    """

    window_spec: WindowSpec
    scoring: keras.Model
    training_model: TrainingModel

    def weights(self) -> Weights:
        """Return the scoring network's weights by path, each of the shape of its variable."""
        return {
            path: np.asarray(variable.numpy()) for path, variable in variables(self.scoring).items()
        }

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Set the scoring network's weights, given by path in the shapes of its variables.

        Raises:
            SetupError: They are those of another network.
        """
        own = variables(self.scoring)
        for path, variable in own.items():
            if path not in weights or weights[path].shape != tuple(variable.shape):
                raise SetupError(
                    f"phase {self.training_model.name!r}: no saved weights {path} have the "
                    f"shape {tuple(variable.shape)}: the code of the network has changed since "
                    "this run began; start a new run"
                )
            variable.assign(weights[path])


def window_spec_of(phase: Phase) -> WindowSpec:
    """Return the window of a phase's network: the recipe's, or the published one.

    With another front end, a window has the published length in seconds.

    Raises:
        SetupError: A window has no frame, or is too large.
    """
    architecture = architectures()[phase.architecture]
    front = phase.front_end or architecture.front_end
    published_s = architecture.window_samples / architecture.front_end.sample_rate
    window_s = phase.window_s or published_s
    count = front.frames(math.floor(window_s * front.sample_rate + ROUNDING))
    try:
        return WindowSpec(front, count, count)
    except ValueError as error:
        raise SetupError(f"phase {phase.name!r}: a window of {window_s:g} s: {error}") from error


def build(phase: Phase, n_tags: int) -> Built:
    """Build a phase's network with random weights.

    Raises:
        SetupError: The architecture can't be built with the phase's arguments.
    """
    window_spec = window_spec_of(phase)
    try:
        shapes(
            phase.architecture, n_tags, window_spec, phase.arguments
        )  # raises if it is too large
        scoring = network(phase.architecture, n_tags, window_spec, phase.arguments)
    except ValueError as error:
        raise SetupError(_refusal(phase, window_spec, error)) from error
    frames = track_frames(window_spec.front, window_spec.window_samples)
    trainable = scoring if phase.learns == "tags" else _projected(scoring, phase.projection)
    training_model = TrainingModel(
        frames.input, trainable(frames.output), l2=phase.l2, name=phase.name
    )
    _freeze(scoring, phase.frozen)
    return Built(window_spec, scoring, training_model)


def _refusal(phase: Phase, window_spec: WindowSpec, error: ValueError) -> str:
    """Say why a network can't be built, and which of its input and arguments the recipe sets."""
    message = " ".join(str(error).split())
    if phase.front_end is None and phase.window_s is None:
        return f"phase {phase.name!r}: arguments: {message}"
    return (
        f"phase {phase.name!r}: {phase.architecture} can't be built for windows of "
        f"{window_spec.window_s:.4g} s, {window_spec.window_shape}: {message}; leave out front_end "
        "and window_s for the published ones, or choose another architecture"
    )


def transfer(built: Built, weights: Mapping[str, np.ndarray], source: WeightTransfer) -> None:
    """Initialise a network with weights of an earlier phase's network.

    Args:
        built: The network to initialise.
        weights: The earlier phase's weights, by path.
        source: The weights to use, and the layers that get them.

    Raises:
        SetupError: None of them fits, or one has another shape.
    """
    own = variables(built.scoring)
    renamed = {
        f"{source.into}{path}": array
        for path, array in weights.items()
        if path.startswith(source.layers)
    }
    found = {path: array for path, array in renamed.items() if path in own}
    name = built.training_model.name
    if not found:
        raise SetupError(
            f"phase {name!r} takes weights of {source.phase!r} into {source.into!r}, but no name "
            f"matches; the phase's own are {', '.join(list(own)[:3])}, ..."
        )
    for path, array in found.items():
        if tuple(own[path].shape) != array.shape:
            raise SetupError(f"phase {name!r}: {path} of {source.phase!r} has another shape")
        own[path].assign(array)


def _projected(scoring: keras.Model, dimensions: int) -> keras.Model:
    """Return the embedding network with a projection head, which is only used in training."""
    embedding = scoring.get_layer("tags").input
    x = layers.Dense(embedding.shape[-1], activation="relu", name="projection_1")(embedding)
    x = layers.Dense(dimensions, name="projection_2", dtype="float32")(x)
    return keras.Model(scoring.input, x, name="projected")


def _freeze(scoring: keras.Model, prefixes: Iterable[str]) -> None:
    for layer in _layers(scoring, ""):
        if any(layer[0].startswith(prefix) for prefix in prefixes):
            layer[1].trainable = False


def _layers(model: keras.Model, prefix: str) -> Iterable[tuple[str, layers.Layer]]:
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        yield path, layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{path}/")
