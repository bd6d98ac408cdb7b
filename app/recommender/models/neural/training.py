"""Trains the network on ratings and on retrieval at the same time, epoch by epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import keras_rs
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from app.recommender.data import Floats, Indices, Interactions, Mask
from app.recommender.models.neural.checkpoint import (
    OnEpoch,
    Progress,
    Values,
    restore_state,
    save_state,
)
from app.recommender.models.neural.inputs import Inputs
from app.recommender.models.neural.network import SEED, Network
from app.recommender.models.neural.training_inputs import TrainingInputs

BATCH, VALIDATION_BATCH = 512, 4096
EPOCHS, PATIENCE = 30, 3
"""The most epochs, and how many without a lower loss end the training."""

RATE = 1e-3
RETRIEVAL_WEIGHT = 0.002
"""The weight of the loss of retrieval, a cross-entropy, in that of ratings, a squared error."""

ID_DROPOUT = 0.3
"""The share of ids that are hidden in each batch, as those of new artists and curators are."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some interactions.

    Attributes:
        artists: The inputs of the artists.
        curators: The inputs of the curators.
        features: The features of the pairs, (rows, features).
        places: The indices of the curators, (rows,).
        target: (rows, 1).
        accepted: 1 for accepted tracks, otherwise 0, (rows,).
    """

    artists: Inputs
    curators: Inputs
    features: npt.NDArray[np.float32]
    places: Indices
    target: npt.NDArray[np.float32]
    accepted: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What the network is trained on.

    Attributes:
        inputs: The inputs of the interactions.
        made: The interactions, in the order of time, (n,).
        target: Their targets, (n,).
        fitted: Which of them the weights are fitted to; the others end the training, (n,).
    """

    inputs: TrainingInputs
    made: Interactions
    target: Floats
    fitted: Mask

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, in an order that follows from its number."""
        random = np.random.RandomState((SEED, epoch))
        rows = random.permutation(np.flatnonzero(self.fitted))
        for start in range(0, len(rows), BATCH):
            batch = self.batch(rows[start : start + BATCH])
            for side in (batch.artists, batch.curators):
                is_hidden = random.uniform(size=len(batch.places)) < ID_DROPOUT
                side["id"] = np.where(is_hidden, 0, side["id"])
            yield batch

    def held_out(self) -> Iterator[Batch]:
        """Yield the batches that are held out."""
        rows = np.flatnonzero(~self.fitted)
        for start in range(0, len(rows), VALIDATION_BATCH):
            yield self.batch(rows[start : start + VALIDATION_BATCH])

    def batch(self, rows: Indices) -> Batch:
        """Return interactions as a batch."""
        return Batch(
            self.inputs.artists_of(rows),
            self.inputs.curators_of(rows),
            self.inputs.pairs_of(rows),
            self.made.curators[rows],
            self.target[rows, np.newaxis].astype(np.float32),
            self.made.accepted[rows].astype(np.float32),
        )


def train(
    network: Network, data: TrainingData, checkpoint: Path | None, on_epoch: OnEpoch | None
) -> Progress:
    """Train until the loss on what is held out no longer falls, and keep the best weights.

    Args:
        network: The network, with initial weights.
        data: What it is trained on.
        checkpoint: The file of the state, which is read if it exists; None to keep none.
        on_epoch: Called after each epoch.

    Raises:
        SetupError: The checkpoint is not of this network, or can't be written.
    """
    optimizer = keras.optimizers.Adam(RATE)
    optimizer.build(network.trained)
    state = [*network.variables, *optimizer.variables]
    progress, best = Progress(), _values(network)
    if checkpoint is not None:
        restored = restore_state(checkpoint, state, len(best))
        progress, best = restored or (progress, best)
    step = tf.function(_make_step(network, optimizer, data), reduce_retracing=True)
    while progress.epochs < EPOCHS and progress.epochs - progress.best_epoch < PATIENCE:
        for batch in data.batches(progress.epochs):
            step(**vars(batch))
        loss = _held_out_loss(network, data)
        progress.epochs += 1
        if progress.best_epoch == 0 or loss < progress.best_loss:
            progress.best_epoch, progress.best_loss = progress.epochs, loss
            best = _values(network)
        if checkpoint is not None:
            save_state(checkpoint, progress, state, best)
        if on_epoch is not None:
            on_epoch(progress.epochs, loss)
    for variable, value in zip(network.variables, best, strict=True):
        variable.assign(value)
    return progress


def _make_step(
    network: Network, optimizer: keras.optimizers.Optimizer, data: TrainingData
) -> Callable[..., None]:
    """Return a step of training: rating errors, and a softmax over the curators of the batch."""
    counts = np.bincount(
        data.made.curators[data.fitted], minlength=data.inputs.tables.sizes.curators
    )
    shares = tf.constant(counts / counts.sum(), tf.float32)
    correct = keras_rs.layers.SamplingProbabilityCorrection()
    remove_hits = keras_rs.layers.RemoveAccidentalHits()

    def step(
        artists: dict[str, tf.Tensor],
        curators: dict[str, tf.Tensor],
        features: tf.Tensor,
        places: tf.Tensor,
        target: tf.Tensor,
        accepted: tf.Tensor,
    ) -> None:
        with tf.GradientTape() as tape:
            artist = network.artists(artists, training=True)
            curator = network.curators(curators, training=True)
            ratings = network.head([artist, curator, features], training=True)
            labels = tf.eye(tf.shape(places)[0])
            logits = tf.matmul(artist, curator, transpose_b=True)
            logits = correct(logits, tf.gather(shares, places)[tf.newaxis])
            logits = remove_hits(logits, labels, places)
            softmax = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
            retrieval = tf.reduce_sum(softmax * accepted) / tf.maximum(tf.reduce_sum(accepted), 1)
            loss = tf.reduce_mean((ratings - target) ** 2) + RETRIEVAL_WEIGHT * retrieval
        optimizer.apply(tape.gradient(loss, network.trained), network.trained)

    return step


def _held_out_loss(network: Network, data: TrainingData) -> float:
    """Return the mean squared error of ratings on what is held out."""
    total = count = 0.0
    for batch in data.held_out():
        vectors = network.artists(batch.artists), network.curators(batch.curators)
        ratings = network.head([*vectors, keras.ops.convert_to_tensor(batch.features)]).numpy()
        total += float(((ratings - batch.target) ** 2).sum())
        count += len(batch.target)
    return total / count


def _values(network: Network) -> Values:
    return [np.asarray(each.numpy()) for each in network.variables]
