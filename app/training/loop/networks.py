"""The networks that learn: from waveform to scores, melgram on board."""

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


class TrainingModel(keras.Model):
    """A network under an L2 penalty: `l2` times the sum of squares is added to the loss."""

    def __init__(self, *args: object, l2: float = 0.0, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def compute_loss(self, *args: object, **kwargs: object) -> tf.Tensor:
        """The loss that was compiled, and the penalty."""
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
        window_spec: What it hears at a time; windows side by side.
        scoring: Frames (batch, *window) to scores (batch, tags); what is published.
        training_model: Waveform (batch, samples) to scores, or to what contrast compares.
    """

    window_spec: WindowSpec
    scoring: keras.Model
    training_model: TrainingModel

    def weights(self) -> Weights:
        """The scoring network's, by path."""
        return {
            path: np.asarray(variable.numpy()) for path, variable in variables(self.scoring).items()
        }

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Put weights back.

        Raises:
            SetupError: They are those of another network.
        """
        ours = variables(self.scoring)
        for path, variable in ours.items():
            if path not in weights or weights[path].shape != tuple(variable.shape):
                raise SetupError(
                    f"phase {self.training_model.name!r}: no weights {path} of the shape "
                    f"{tuple(variable.shape)} were kept, as the code of the network has changed "
                    "since this run began; begin a new run"
                )
            variable.assign(weights[path])


def window_spec_of(phase: Phase) -> WindowSpec:
    """What a phase's network hears at a time."""
    architecture = architectures()[phase.architecture]
    count = architecture.window_frames
    return WindowSpec(architecture.front_end, count, count)


def build(phase: Phase, n_tags: int) -> Built:
    """Build a phase's network with random weights.

    Raises:
        SetupError: The architecture can't be built with the phase's arguments.
    """
    window_spec = window_spec_of(phase)
    try:
        shapes(phase.architecture, n_tags, window_spec, phase.arguments)  # or it is too large
        scoring = network(phase.architecture, n_tags, window_spec, phase.arguments)
    except ValueError as error:
        said = " ".join(str(error).split())
        raise SetupError(f"phase {phase.name!r}: arguments: {said}") from error
    frames = track_frames(window_spec.front, window_spec.window_samples)
    learning = scoring if phase.learns == "tags" else _projected(scoring, phase.projection)
    training_model = TrainingModel(
        frames.input, learning(frames.output), l2=phase.l2, name=phase.name
    )
    _freeze(scoring, phase.frozen)
    return Built(window_spec, scoring, training_model)


def take(built: Built, weights: Mapping[str, np.ndarray], taken: WeightTransfer) -> None:
    """Begin with weights of an earlier phase's network.

    Raises:
        SetupError: None of them has a place, or one has another shape.
    """
    ours = variables(built.scoring)
    moved = {
        f"{taken.into}{path}": array
        for path, array in weights.items()
        if path.startswith(taken.layers)
    }
    found = {path: array for path, array in moved.items() if path in ours}
    name = built.training_model.name
    if not found:
        raise SetupError(
            f"phase {name!r} takes weights of {taken.phase!r} into {taken.into!r}, "
            f"but none fits; its own are {', '.join(list(ours)[:3])}, ..."
        )
    for path, array in found.items():
        if tuple(ours[path].shape) != array.shape:
            raise SetupError(f"phase {name!r}: {path}: that of {taken.phase!r} has another shape")
        ours[path].assign(array)


def _projected(scoring: keras.Model, numbers: int) -> keras.Model:
    """The embedding that the last layer hears, through what contrast learns on and nobody keeps."""
    embedding = scoring.get_layer("tags").input
    x = layers.Dense(embedding.shape[-1], activation="relu", name="projection_1")(embedding)
    x = layers.Dense(numbers, name="projection_2", dtype="float32")(x)
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
