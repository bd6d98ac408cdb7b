"""The losses of training."""

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
        weights: The weight of each tag's positive labels, (tags,).
        gamma: The exponent of the focal loss (Lin et al. 2017, arXiv:1708.02002).
    """

    def __init__(self, weights: np.ndarray, gamma: float = 0.0) -> None:
        super().__init__(name="tag_loss")
        self.weights = np.asarray(weights, np.float32)
        self.gamma = gamma

    def call(self, tags: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        """Return the loss of tags and scores, (batch, tags) each, as (batch,); tags may be soft."""
        scores = ops.clip(ops.cast(scores, "float32"), EPSILON, 1 - EPSILON)
        tags = ops.cast(tags, "float32")
        positive = -tags * self.weights * ops.log(scores) * (1 - scores) ** self.gamma
        negative = -(1 - tags) * ops.log(1 - scores) * scores**self.gamma
        return ops.mean(positive + negative, axis=-1)


@keras.saving.register_keras_serializable("taggram")
class ContrastLoss(keras.losses.Loss):
    """NT-Xent: the network learns to match each window of a batch with the other one of its track.

    Chen et al. 2020 (arXiv:2002.05709), used by CLMR. The windows of a track are rows 2i and
    2i + 1. If devices divide the batch, each compares its windows with those of all devices, so
    that the loss does not depend on the number of devices. Parts of different size have equal
    weight.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="contrast_loss")
        self.temperature = temperature

    def call(self, tags: tf.Tensor, projected: tf.Tensor) -> tf.Tensor:  # noqa: ARG002 - Keras's
        """Return the loss of projections, (windows, dimensions), as (windows,)."""
        unit = ops.normalize(ops.cast(projected, "float32"), axis=-1)
        whole, first = _whole_batch(unit)
        similarity = ops.matmul(unit, ops.transpose(whole)) / self.temperature
        number = ops.arange(ops.shape(unit)[0])
        itself = ops.one_hot(first + number, ops.shape(whole)[0])
        similarity = similarity - 1e9 * itself  # a window does not match itself
        other = first + number + 1 - 2 * (number % 2)
        return keras.losses.sparse_categorical_crossentropy(other, similarity, from_logits=True)


def _whole_batch(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | int]:
    """Return the rows of all devices that divide a batch, and the index of this device's first."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows, 0
    counts = context.all_gather(tf.shape(rows)[:1], axis=0)
    first = tf.reduce_sum(counts[: context.replica_id_in_sync_group])
    return context.all_gather(rows, axis=0), first


def tag_loss(wanted: Loss, tags: np.ndarray) -> TagLoss:
    """Return a recipe's loss, with class weights from the labels of the training part.

    Args:
        wanted: The options of the recipe.
        tags: (tracks, tags), 1 where a track has a tag.
    """
    weights = np.ones(tags.shape[1])
    if wanted.class_weights:
        positives = tags.sum(axis=0)
        weights = (len(tags) - positives) / np.maximum(positives, 1)
    return TagLoss(np.clip(weights, 1 / wanted.max_weight, wanted.max_weight), wanted.focal_gamma)
