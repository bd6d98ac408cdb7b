"""Epochs of a network, each batch shared by the replicas of the strategy that is in scope.

What a step does is Keras's own; around it stands what `keras.Model.fit` does too, which in Keras
3.13 runs on several devices, but not on several machines (keras-team/keras#20585).
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from app.training.data.batches import BatchDataset, Share

Figures = dict[str, float]

OnProgress = Callable[[int, int, float], None]
"""Given the batches that are done, how many there are, and the mean loss so far as last read."""

LOSS_READ_EACH = 20
"""Batches from one reading of the loss to the next, for which the process waits for the device."""


class Loop:
    """Trains and validates a compiled network.

    Args:
        training_model: It; to be given anew to another loop when it is compiled anew.
    """

    def __init__(self, training_model: keras.Model) -> None:
        self._training_model = training_model
        self._strategy = tf.distribute.get_strategy()
        self._train_step = self._on_replicas(training_model.train_step)
        self._test_step = self._on_replicas(training_model.test_step)
        self._settle = tf.function(self._means)

    def train(self, feed: BatchDataset, on_progress: OnProgress) -> Figures:
        """Learn from all batches once."""
        figures = self._run(self._train_step, feed, on_progress)
        if self._strategy.num_replicas_in_sync > 1:
            self._settle()
        return figures

    def validate(self, feed: BatchDataset) -> Figures:
        """Hear all batches, and learn nothing."""
        return self._run(self._test_step, feed, None)

    def _run(
        self,
        step: tf.types.experimental.PolymorphicFunction,
        feed: BatchDataset,
        on_progress: OnProgress | None,
    ) -> Figures:
        self._training_model.reset_metrics()
        steps = feed.steps(self._strategy.num_replicas_in_sync)
        iterator = iter(self._strategy.distribute_datasets_from_function(self._parts(feed)))
        shown = 0.0
        for number in range(steps):
            loss = step(iterator)
            if on_progress is not None:
                if number % LOSS_READ_EACH == 0 or number + 1 == steps:
                    shown = float(loss)
                on_progress(number + 1, steps, shown)
        return {
            name: float(value) for name, value in self._training_model.get_metrics_result().items()
        }

    def _parts(self, feed: BatchDataset) -> Callable[[tf.distribute.InputContext], tf.data.Dataset]:
        def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
            replicas = context.num_replicas_in_sync
            here = replicas // context.num_input_pipelines
            return feed.parts(Share(context.input_pipeline_id * here, here, replicas))

        return parts

    def _on_replicas(
        self, step: Callable[[tuple[tf.Tensor, tf.Tensor]], dict[str, tf.Tensor]]
    ) -> tf.types.experimental.PolymorphicFunction:
        def shared(iterator: tf.distribute.DistributedIterator) -> tf.Tensor:
            figures = self._strategy.run(step, args=(next(iterator),))
            return self._strategy.experimental_local_results(figures["loss"])[0]

        return tf.function(shared)

    def _means(self) -> None:
        """Statistics of batch norms, of which each replica has its own, become their mean."""
        for variable in self._training_model.non_trainable_variables:
            if keras.backend.is_float_dtype(variable.dtype):
                values = self._strategy.run(tf.identity, args=(variable.value,))
                variable.value.assign(self._strategy.reduce("MEAN", values, axis=None))
