"""The interface of models, and what they are trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from app.recommender.data import Floats, Indices, Platform, TagVectors
from app.recommender.identities.building import Identities, IdentityBuilder, PoolingRule
from app.recommender.tag_space import TagSpace
from app.recommender.target import TargetWeights, make_target


@dataclass(frozen=True, eq=False)
class Tastes:
    """The tag vectors of artists and curators as directions.

    Attributes:
        space: Turns tag vectors into directions.
        artists: The identities of the artists, one a style.
        accepted: The mean direction of the tracks that each curator accepted, (curators, tags);
            all-zero without one. It is not a unit vector: with few tracks, or with tracks that
            differ, it is shorter.
        declined: The same for declined tracks.
        sent: The direction of what was sent in each interaction to train on, (n, tags), all-zero if
            that is unknown.
    """

    space: TagSpace
    artists: Identities
    accepted: Floats
    declined: Floats
    sent: Floats

    @cached_property
    def artist_directions(self) -> Floats:
        """Return the directions of the artists' styles, (rows of `artists`, tags)."""
        return self.space.directions(self.artists.vectors)


@dataclass(frozen=True, eq=False)
class Training:
    """What models are trained on.

    Attributes:
        platform: The tables, with the interactions to train on and no later ones.
        target: The target of each interaction; see `app.recommender.target`.
        tastes: Tag vectors; None if there is no catalogue.
    """

    platform: Platform
    target: Floats
    tastes: Tastes | None = None

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """Return the scores, (artists, curators); of several of a pair the highest."""
        made, platform = self.platform.interactions, self.platform
        shape = len(platform.artists.ids), len(platform.curators.ids)
        order = np.argsort(made.scores, kind="stable")
        rows, columns = made.artists[order], made.curators[order]
        keys = rows * shape[1] + columns
        _, last = np.unique(keys[::-1], return_index=True)
        kept = len(keys) - 1 - last
        return sparse.csr_array(
            (made.scores[order][kept], (rows[kept], columns[kept])), shape=shape
        )


class Recommender(Protocol):
    """Scores curators for artists.

    Attributes:
        name: The name of the model.
        predicts_scores: Whether its scores are predictions of what will happen, within 0..1, and
            not only an order.
    """

    name: str
    predicts_scores: bool

    def fit(self, training: Training) -> None:
        """Train the model.

        Raises:
            SetupError: The training data lacks what the model needs.
        """

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """Return the score of each curator for each artist, (artists, curators).

        Args:
            artists: Indices of artists of the platform.
            curators: Indices of curators of the platform.
        """


@runtime_checkable
class TrainsInEpochs(Recommender, Protocol):
    """A model whose training takes a while, reports its progress, and can be resumed.

    Attributes:
        checkpoints: The folder for the state after each epoch, from which a killed training goes
            on; None to keep none.
        on_epoch: Called after each epoch with its number, from 1, and the loss on what is held out;
            None for no calls.
    """

    checkpoints: Path | None
    on_epoch: Callable[[int, float], None] | None


def prepare_training(
    platform: Platform,
    vectors: TagVectors | None,
    weights: TargetWeights,
    rule: PoolingRule | None = None,
) -> Training:
    """Return what models are trained on.

    Args:
        platform: The tables, with the interactions to train on and no later ones.
        vectors: The tag vectors of the tracks; None to do without.
        weights: The weights of the terms of the target.
        rule: How the vectors of tracks become one; by default the mean of all tags.
    """
    if vectors is None:
        return Training(platform, make_target(platform, weights))
    builder = IdentityBuilder(platform, vectors, rule or PoolingRule())
    artists, made = builder.artists(), platform.interactions
    space = TagSpace.of(vectors.scores)
    curators = len(platform.curators.ids)
    sent = builder.sent_directions(made)
    tastes = Tastes(
        space,
        artists,
        _mean_directions(made.curators[made.accepted], sent[made.accepted], curators),
        _mean_directions(made.curators[made.declined], sent[made.declined], curators),
        sent,
    )
    return Training(platform, make_target(platform, weights, sent), tastes)


def _mean_directions(curators: Indices, directions: Floats, count: int) -> Floats:
    sums = np.zeros((count, directions.shape[1]))
    np.add.at(sums, curators, directions)
    known = np.bincount(curators[directions.any(axis=1)], minlength=count)
    means: Floats = sums / np.maximum(known, 1)[:, np.newaxis]
    return means
