"""The optimizers of training, with a learning rate for each variable if a stage wants it."""

from collections.abc import Sequence

import keras
from keras import KerasTensor

from app.training.recipe.schema import Stage


def make_optimizer(stage: Stage, factors: Sequence[float]) -> keras.optimizers.Optimizer:
    """Return the optimizer of a stage.

    Args:
        stage: The stage of the recipe.
        factors: For each trained variable, the factor of its learning rate, above 0.
    """
    rate: object = stage.learning_rate
    if stage.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, stage.decay)
    if stage.optimizer == "adam":
        return ScaledAdam(factors, learning_rate=rate)
    return ScaledSGD(factors, learning_rate=rate, momentum=0.9, nesterov=True)


class _Scaled(keras.optimizers.Optimizer):
    """Multiplies the learning rate of each variable.

    A factor of the gradient would not do, as Adam divides it out.
    """

    def __init__(self, factors: Sequence[float], **kwargs: object) -> None:
        """Create the optimizer.

        Args:
            factors: For each trained variable, in the order of `build`, the factor of its rate.
            kwargs: Arguments of the Keras optimizer.
        """
        super().__init__(**kwargs)
        self.factors = tuple(factors)

    def update_step(
        self, gradient: KerasTensor, variable: keras.Variable, learning_rate: KerasTensor
    ) -> None:
        """Update a variable by its gradient, which has the same shape."""
        factor = self.factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)


class ScaledAdam(_Scaled, keras.optimizers.Adam):
    """Adam with a learning rate for each variable."""


class ScaledSGD(_Scaled, keras.optimizers.SGD):
    """SGD with a learning rate for each variable."""
