"""The hybrid neural model as a recommender."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from app.errors import SetupError
from app.recommender.data import Floats, Indices, Mask
from app.recommender.models.base import Tastes, Training
from app.recommender.models.content import ALL, ArtistContent, CuratorProfiles, Which
from app.recommender.models.content_model import ContentModel, Parameters, check_shapes
from app.recommender.models.linear import solve_ridge
from app.recommender.models.neural.checkpoint import OnEpoch, Progress
from app.recommender.models.neural.inputs import InputTables
from app.recommender.models.neural.network import SEED, Network, build_network
from app.recommender.models.pair_features import feature_names

HELD_OUT = 0.1
"""The share of the interactions, the latest, that end the training."""

LEAST = 50
"""The fewest interactions to train on."""

PAIRS = 1 << 17
"""Pairs that are rated at a time."""

SHORTLIST = 512
"""Curators that the towers retrieve for the head to order."""

VERSION = 1
"""To be raised when the same data gives another network: checkpoints are named after it."""

Vectors = npt.NDArray[np.float32]


class Neural(ContentModel):
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
        self.has_tags = has_tags

    def score_content(self, artists: ArtistContent, curators: Which) -> Floats:
        """See `ContentModel`."""
        vectors = self._curators[curators]
        scores = np.full((len(artists), len(vectors)), -np.inf)
        rows = max(1, PAIRS // max(len(vectors), 1))
        for start in range(0, len(artists), rows):
            some = artists.take(np.arange(start, min(start + rows, len(artists))))
            features = self._tables.pairs(some, curators)
            block = scores[start : start + rows]
            for has, embedded in self._styles(some):
                block[has] = np.maximum(block[has], self._rate(embedded, vectors, features[has]))
        return scores

    def shortlist(self, artist: ArtistContent, excluded: Mask) -> Which:
        """Return the curators whose vectors fit best, in the order of their indices."""
        if len(self._curators) <= SHORTLIST:
            return ALL
        fits = self._fits(artist)[0]
        fits[excluded] = -np.inf
        return np.sort(np.argpartition(-fits, SHORTLIST - 1)[:SHORTLIST])

    def retrieve(self, artists: Indices, count: int) -> Indices:
        """Return the curators whose vectors fit best, in no order, (artists, count).

        Args:
            artists: Indices of artists.
            count: The number of curators, at most all.
        """
        fits = self._fits(self._artists.take(artists))
        best: Indices = np.argpartition(-fits, count - 1, axis=1)[:, :count]
        return best

    def parameters(self) -> Parameters:
        """See `ContentModel`."""
        tables = self._tables
        return {
            "known_artists": tables.known_artists,
            "known_curators": tables.known_curators,
            "mean": tables.mean,
            "spread": tables.spread,
            **{
                _variable(number): np.asarray(each.numpy())
                for number, each in enumerate(self._network.trained)
            },
        }

    def _fit(self, training: Training, tastes: Tastes | None) -> None:
        """Train the network.

        Raises:
            SetupError: A library is not installed; there are too few interactions, or all have the
                same target; or the checkpoint is damaged.
        """
        try:
            from app.recommender.models.neural.training import TrainingData, train
            from app.recommender.models.neural.training_inputs import TrainingInputs
        except ImportError as error:
            raise SetupError(
                f"the neural models need {error.name}; install the extra `recommender`"
            ) from error
        made = training.platform.interactions
        self._check(training)
        self.predicts_scores = bool(np.array_equal(training.target, made.scores))
        fitted = np.arange(len(made)) < round((1 - HELD_OUT) * len(made))
        inputs = TrainingInputs(training, tastes, fitted, self._artists, self.profiles)
        keras.utils.set_random_seed(SEED)
        network = build_network(inputs.tables.sizes)
        features = inputs.pairs_of(np.flatnonzero(fitted)).astype(float)
        target = training.target[fitted]
        network.set_linear(solve_ridge(features, target - target.mean()), float(target.mean()))
        data = TrainingData(inputs, made, training.target, fitted)
        checkpoint = None
        if self.checkpoints is not None:
            checkpoint = self.checkpoints / f"{self.name}-{_fingerprint(training, tastes)}.state"
        self.progress = train(network, data, checkpoint, self.on_epoch)
        self._use(inputs.tables, network)

    def _check(self, training: Training) -> None:
        """Check that there is enough to train on.

        Raises:
            SetupError: There is not.
        """
        count = len(training.platform.interactions)
        if count < LEAST:
            raise SetupError(
                f"the model {self.name} needs at least {LEAST} interactions to train on, and there "
                f"are {count}; leave it out"
            )
        if np.ptp(training.target) == 0:
            raise SetupError(
                f"the model {self.name} needs accepted and declined tracks, and all "
                f"{count:,} interactions have the target {training.target[0]:g}; leave it out"
            )

    def _restore(self, parameters: Parameters) -> None:
        shapes = _shapes(self.profiles, parameters, has_tags=self.has_tags)
        check_shapes({name: parameters[name] for name in shapes if name in parameters}, shapes)
        tables = InputTables(
            self.profiles,
            parameters["known_artists"].astype(bool),
            parameters["known_curators"].astype(bool),
            parameters["mean"],
            parameters["spread"],
            self.has_tags,
        )
        network = build_network(tables.sizes)
        weights = {_variable(number): each for number, each in enumerate(network.trained)}
        check_shapes(parameters, shapes | {name: each.shape for name, each in weights.items()})
        for name, variable in weights.items():
            variable.assign(parameters[name])
        self._use(tables, network)

    def _use(self, tables: InputTables, network: Network) -> None:
        """Set a trained network, and compute the vectors of all curators."""
        self._tables, self._network = tables, network
        self.known_artists = tables.known_artists
        self._curators: Vectors = network.curators.predict_on_batch(tables.curators(ALL))

    def _fits(self, artists: ArtistContent) -> Vectors:
        """Return how well the vectors of all curators fit, (artists, curators)."""
        fits = np.full((len(artists), len(self._curators)), -np.inf, np.float32)
        for has, vectors in self._styles(artists):
            fits[has] = np.maximum(fits[has], vectors @ self._curators.T)
        return fits

    def _styles(self, artists: ArtistContent) -> Iterator[tuple[Indices, Vectors]]:
        """Yield the artists that have a first style, a second and so on, and their vectors.

        Artists without a tag vector have one style, without a direction.
        """
        if not self.has_tags:
            yield np.arange(len(artists)), self._embed(artists, None)
            return
        without = np.flatnonzero(np.bincount(artists.owners, minlength=len(artists)) == 0)
        if len(without):
            nothing = np.zeros((len(without), artists.directions.shape[1]))
            yield without, self._embed(artists.take(without), nothing)
        for has, directions in artists.styles():
            yield has, self._embed(artists.take(has), directions)

    def _embed(self, artists: ArtistContent, directions: Floats | None) -> Vectors:
        inputs = self._tables.artists(artists, directions)
        return np.asarray(self._network.embed_artists(inputs), np.float32)

    def _rate(self, artists: Vectors, curators: Vectors, features: Vectors) -> Floats:
        """Return the ratings of all pairs, (artists, curators)."""
        shape = features.shape[:2]
        ratings = self._network.rate(
            [
                np.repeat(artists, shape[1], axis=0),
                np.tile(curators, (shape[0], 1)),
                features.reshape(-1, features.shape[2]),
            ]
        )
        rated: Floats = np.asarray(ratings, float).reshape(shape)
        return rated


def _variable(number: int) -> str:
    """Return the name of a variable of the network among the parameters."""
    return f"network_{number:03}"


def _shapes(
    profiles: CuratorProfiles, parameters: Parameters, *, has_tags: bool
) -> dict[str, tuple[int, ...]]:
    """Return the expected shapes of all parameters but the network's variables."""
    features = (len(feature_names(has_tags=has_tags)),)
    artists = parameters["known_artists"].size if "known_artists" in parameters else 0
    return {
        "known_artists": (artists,),
        "known_curators": (len(profiles),),
        "mean": features,
        "spread": features,
    }


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
