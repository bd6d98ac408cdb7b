"""What is minimised."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from app.training.recipe.schema import Loss

EPSILON = 1e-7


@keras.saving.register_keras_serializable("taggram")
class TagLoss(keras.losses.Loss):
    """Binary cross-entropy of scores in 0..1, the mean over tags (the thesis's 10.1).

    Args:
        weights: Of each tag's positives, (tags,).
        gamma: Of the focal loss.
    """

    def __init__(self, weights: np.ndarray, gamma: float = 0.0) -> None:
        super().__init__(name="tag_loss")
        self.weights = np.asarray(weights, np.float32)
        self.gamma = gamma

    def call(self, tags: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        """(batch, tags) twice to (batch,); tags may lie between 0 and 1, as a teacher's do."""
        scores = ops.clip(ops.cast(scores, "float32"), EPSILON, 1 - EPSILON)
        tags = ops.cast(tags, "float32")
        right = -tags * self.weights * ops.log(scores) * (1 - scores) ** self.gamma
        wrong = -(1 - tags) * ops.log(1 - scores) * scores**self.gamma
        return ops.mean(right + wrong, axis=-1)


@keras.saving.register_keras_serializable("taggram")
class ContrastLoss(keras.losses.Loss):
    """NT-Xent: each window shall find the other one of its track among all of a batch.

    Chen et al. 2020 (arXiv:2002.05709), with which CLMR learns. Windows of one track are
    neighbours: rows 2i and 2i + 1. Where devices share the batch, each compares its windows with
    those of all, so that the loss is the same on any number of devices. Of parts of different size
    the smaller one weighs as much as the larger.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="contrast_loss")
        self.temperature = temperature

    def call(self, tags: tf.Tensor, projected: tf.Tensor) -> tf.Tensor:  # noqa: ARG002 - Keras's
        """(windows, numbers) to (windows,)."""
        unit = ops.normalize(ops.cast(projected, "float32"), axis=-1)
        whole, first = _whole_batch(unit)
        likeness = ops.matmul(unit, ops.transpose(whole)) / self.temperature
        number = ops.arange(ops.shape(unit)[0])
        itself = ops.one_hot(first + number, ops.shape(whole)[0])
        likeness = likeness - 1e9 * itself  # nobody is to find itself
        other = first + number + 1 - 2 * (number % 2)
        return keras.losses.sparse_categorical_crossentropy(other, likeness, from_logits=True)


def _whole_batch(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | int]:
    """Rows of all devices that share a batch, and at which of them those of this device begin."""
    here = tf.distribute.get_replica_context()
    if here is None or here.num_replicas_in_sync == 1:
        return rows, 0
    counts = here.all_gather(tf.shape(rows)[:1], axis=0)
    first = tf.reduce_sum(counts[: here.replica_id_in_sync_group])
    return here.all_gather(rows, axis=0), first


def tag_loss(wanted: Loss, tags: np.ndarray) -> TagLoss:
    """The loss of a recipe, with weights from the tags of the training part, (tracks, tags)."""
    weights = np.ones(tags.shape[1])
    if wanted.class_weights:
        positives = tags.sum(axis=0)
        weights = (len(tags) - positives) / np.maximum(positives, 1)
    return TagLoss(np.clip(weights, 1 / wanted.max_weight, wanted.max_weight), wanted.focal_gamma)
