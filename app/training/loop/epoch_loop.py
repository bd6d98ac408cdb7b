"""Run epochs of a network, with each batch divided among the replicas of the current strategy.

A step is Keras's own. The loop around it replaces `keras.Model.fit`, which in Keras 3.13 supports
several devices, but not several machines (keras-team/keras#20585).
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from app.training.data.batches import BatchDataset, Share

Figures = dict[str, float]

OnProgress = Callable[[int, int, float], None]
"""Called with the number of batches done, their total, and the mean loss as last read."""

LOSS_READ_EACH = 20
"""In batches: reading the loss waits for the device, so it is read rarely."""


class Loop:
    """Trains and validates a compiled network.

    Args:
        training_model: The network; a loop must be created again when it is compiled again.
    """

    def __init__(self, training_model: keras.Model) -> None:
        self._training_model = training_model
        self._strategy = tf.distribute.get_strategy()
        self._train_step = self._on_replicas(training_model.train_step)
        self._test_step = self._on_replicas(training_model.test_step)
        self._average = tf.function(self._average_statistics)

    def train(self, dataset: BatchDataset, on_progress: OnProgress) -> Figures:
        """Train on all batches once, and return the figures of the epoch.

        Args:
            dataset: The batches.
            on_progress: Called after each batch.

        Returns:
            The loss and the metrics, by name.

        Raises:
            SetupError: There are too few windows for the number of devices.
        """
        figures = self._run(self._train_step, dataset, on_progress)
        if self._strategy.num_replicas_in_sync > 1:
            self._average()
        return figures

    def validate(self, dataset: BatchDataset) -> Figures:
        """Return the figures over all batches, without training.

        Returns:
            The loss and the metrics, by name.

        Raises:
            SetupError: There are too few windows for the number of devices.
        """
        return self._run(self._test_step, dataset, None)

    def _run(
        self,
        step: tf.types.experimental.PolymorphicFunction,
        dataset: BatchDataset,
        on_progress: OnProgress | None,
    ) -> Figures:
        self._training_model.reset_metrics()
        steps = dataset.steps(self._strategy.num_replicas_in_sync)
        iterator = iter(self._strategy.distribute_datasets_from_function(self._parts(dataset)))
        last_loss = 0.0
        for number in range(steps):
            loss = step(iterator)
            if on_progress is not None:
                if number % LOSS_READ_EACH == 0 or number + 1 == steps:
                    last_loss = float(loss)
                on_progress(number + 1, steps, last_loss)
        return {
            name: float(value) for name, value in self._training_model.get_metrics_result().items()
        }

    def _parts(
        self, dataset: BatchDataset
    ) -> Callable[[tf.distribute.InputContext], tf.data.Dataset]:
        def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
            """Return the parts of each batch for the replicas of a process."""
            replicas = context.num_replicas_in_sync
            own = replicas // context.num_input_pipelines
            return dataset.parts(Share(context.input_pipeline_id * own, own, replicas))

        return parts

    def _on_replicas(
        self, step: Callable[[tuple[tf.Tensor, tf.Tensor]], dict[str, tf.Tensor]]
    ) -> tf.types.experimental.PolymorphicFunction:
        def shared(iterator: tf.distribute.DistributedIterator) -> tf.Tensor:
            """Run a step on the next batch, and return the loss, ()."""
            figures = self._strategy.run(step, args=(next(iterator),))
            return self._strategy.experimental_local_results(figures["loss"])[0]

        return tf.function(shared)

    def _average_statistics(self) -> None:
        """Average the statistics of batch norms over the replicas."""
        for variable in self._training_model.non_trainable_variables:
            if keras.backend.is_float_dtype(variable.dtype):
                values = self._strategy.run(tf.identity, args=(variable.value,))
                variable.value.assign(self._strategy.reduce("MEAN", values, axis=None))
