"""The hybrid neural model as a recommender."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import SetupError
from app.recommender.data import Floats, Indices
from app.recommender.models.base import Tastes, Training
from app.recommender.models.baselines import needed_tastes
from app.recommender.models.linear import solve_ridge
from app.recommender.models.neural.checkpoint import Progress
from app.recommender.models.neural.inputs import InputTables
from app.recommender.models.neural.network import TOWER_SIZE, build_network
from app.recommender.models.neural.training import SEED, OnEpoch, TrainingData, train

HELD_OUT = 0.1
"""The share of the interactions, the latest, that end the training."""

LEAST = 50
"""The fewest interactions to train on."""

PAIRS = 1 << 17
"""Pairs that are rated at a time."""

VERSION = 1
"""To be raised when the same data gives another network: checkpoints are named after it."""

Vectors = npt.NDArray[np.float32]


class Neural:
    """Two towers, and a head that rates pairs.

    Artists and curators without interactions are rated by their content only.

    Attributes:
        name: The name of the variant.
        predicts_scores: Whether the target was what happened, without shifts.
        checkpoints: See `TrainsInEpochs`.
        on_epoch: See `TrainsInEpochs`.
        progress: The epochs of the last training.
    """

    def __init__(self, *, has_tags: bool) -> None:
        """Choose the inputs.

        Args:
            has_tags: Whether tag vectors are among them.
        """
        self.name = "neural-tags" if has_tags else "neural"
        self.predicts_scores = True
        self.checkpoints: Path | None = None
        self.on_epoch: OnEpoch | None = None
        self.progress = Progress()
        self._has_tags = has_tags

    def fit(self, training: Training) -> None:
        """Train the network.

        Raises:
            SetupError: Tag vectors are needed, and there are none; there are too few interactions,
                or all have the same target; or the checkpoint is damaged.
        """
        made = training.platform.interactions
        if len(made) < LEAST:
            raise SetupError(
                f"the model {self.name} needs at least {LEAST} interactions to train on, and there "
                f"are {len(made)}; leave it out"
            )
        if np.ptp(training.target) == 0:
            raise SetupError(
                f"the model {self.name} needs accepted and declined tracks, and all "
                f"{len(made):,} interactions have the target {training.target[0]:g}; leave it out"
            )
        self.predicts_scores = bool(np.array_equal(training.target, made.scores))
        tastes = needed_tastes(training, self.name) if self._has_tags else None
        fitted = np.arange(len(made)) < round((1 - HELD_OUT) * len(made))
        self._tables, self._tastes = InputTables(training, tastes, fitted), tastes
        self._network = build_network(self._tables.sizes, SEED)
        features = self._tables.pairs_of(np.flatnonzero(fitted)).astype(float)
        target = training.target[fitted]
        self._network.set_linear(
            solve_ridge(features, target - target.mean()), float(target.mean())
        )
        sent = None if tastes is None else tastes.sent
        data = TrainingData(self._tables, made, training.target, sent, fitted)
        checkpoint = None
        if self.checkpoints is not None:
            checkpoint = self.checkpoints / f"{self.name}-{_fingerprint(training, tastes)}.state"
        self.progress = train(self._network, data, checkpoint, self.on_epoch)
        every = np.arange(self._tables.sizes.curators)
        self._curators: Vectors = self._network.curators.predict_on_batch(
            self._tables.curators(every)
        )

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        scores = np.full((len(artists), len(curators)), -np.inf)
        rows = max(1, PAIRS // max(len(curators), 1))
        for start in range(0, len(artists), rows):
            some = artists[start : start + rows]
            features = self._tables.pairs(some, curators)
            for has, vectors in self._styles(some):
                block = scores[start : start + rows]
                block[has] = np.maximum(block[has], self._rate(vectors, curators, features[has]))
        return scores

    def retrieve(self, artists: Indices, count: int) -> Indices:
        """Return the curators whose vectors fit best, in no order, (artists, count).

        Args:
            artists: Indices of artists.
            count: The number of curators, at most all.
        """
        fits = np.full((len(artists), len(self._curators)), -np.inf)
        for has, vectors in self._styles(artists):
            fits[has] = np.maximum(fits[has], vectors @ self._curators.T)
        best: Indices = np.argpartition(-fits, count - 1, axis=1)[:, :count]
        return best

    def _styles(self, artists: Indices) -> Iterator[tuple[Indices, Vectors]]:
        """Yield the artists that have a first style, a second and so on, and their vectors.

        Artists without a tag vector have one style, without a direction.
        """
        if self._tastes is None:
            yield np.arange(len(artists)), self._embed(artists, None)
            return
        owners, directions = self._tastes.artists.owners, self._tastes.artist_directions
        starts, ends = (np.searchsorted(owners, artists, side) for side in ("left", "right"))
        for style in range(max(1, int((ends - starts).max(initial=0)))):
            is_known = starts + style < ends
            has = np.flatnonzero(is_known | (style == 0))
            chosen = np.zeros((len(has), directions.shape[1]))
            chosen[is_known[has]] = directions[(starts + style)[is_known]]
            yield has, self._embed(artists[has], chosen)

    def _embed(self, artists: Indices, directions: Floats | None) -> Vectors:
        if not len(artists):
            return np.zeros((0, TOWER_SIZE), np.float32)
        inputs = self._tables.artists(artists, directions)
        return np.asarray(self._network.embed_artists(inputs), np.float32)

    def _rate(self, artists: Vectors, curators: Indices, features: Vectors) -> Floats:
        """Return the ratings of all pairs, (artists, curators)."""
        shape = features.shape[:2]
        ratings = self._network.rate(
            [
                np.repeat(artists, shape[1], axis=0),
                np.tile(self._curators[curators], (shape[0], 1)),
                features.reshape(-1, features.shape[2]),
            ]
        )
        rated: Floats = np.asarray(ratings, float).reshape(shape)
        return rated


def _fingerprint(training: Training, tastes: Tastes | None) -> str:
    """Return a hash of all that the weights depend on."""
    platform, made = training.platform, training.platform.interactions
    arrays: list[npt.NDArray[Any]] = [made.artists, made.curators, made.scores, training.target]
    arrays += [platform.artists.subgenres, platform.curators.liked, platform.curators.disliked]
    if tastes is not None:
        arrays.append(tastes.sent)
    names = [VERSION, *platform.artists.countries, *platform.curators.countries]
    digest = hashlib.sha256("\n".join(map(str, names)).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
