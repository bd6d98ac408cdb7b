"""The inputs of the interactions to train on, each without what it says itself."""

import numpy as np
import numpy.typing as npt

from app.recommender.data import Floats, Indices, Mask
from app.recommender.models.base import Tastes, Training
from app.recommender.models.content import ArtistContent, CuratorProfiles
from app.recommender.models.neural.inputs import Inputs, InputTables
from app.recommender.models.pair_features import training_features
from app.recommender.similarity import Matrix


class TrainingInputs:
    """Looks up the inputs of interactions to train on.

    Attributes:
        tables: The inputs of any artists and curators.
    """

    def __init__(
        self,
        training: Training,
        tastes: Tastes | None,
        fitted: Mask,
        artists: ArtistContent,
        profiles: CuratorProfiles,
    ) -> None:
        """Encode the tables.

        Args:
            training: What models are trained on.
            tastes: Its tag vectors; None to leave them out.
            fitted: Which interactions the weights are fitted to, (n,).
            artists: The artists of the platform.
            profiles: The curators of the platform.
        """
        self._made, self._tastes, self._artists = training.platform.interactions, tastes, artists
        features = training_features(training, tastes)
        spread = features.std(axis=0)
        self.tables = InputTables(
            profiles,
            _are_present(self._made.artists[fitted], len(artists)),
            _are_present(self._made.curators[fitted], len(profiles)),
            features.mean(axis=0),
            np.where(spread > 0, spread, 1.0),
            has_tags=tastes is not None,
        )
        self._features = self.tables.standardise(features)
        known = np.zeros(len(self._made), bool) if tastes is None else tastes.sent.any(axis=1)
        self._sides = {
            name: (
                means,
                chosen,
                np.bincount(self._made.curators[chosen & known], None, len(means)),
            )
            for name, means, chosen in (
                ("accepted", profiles.accepted, self._made.accepted),
                ("declined", profiles.declined, self._made.declined),
            )
        }

    def artists_of(self, rows: Indices) -> Inputs:
        """Return the inputs of the artists of interactions, with what was sent."""
        sent = None if self._tastes is None else self._tastes.sent[rows]
        return self.tables.artists(self._artists.take(self._made.artists[rows]), sent)

    def curators_of(self, rows: Indices) -> Inputs:
        """Return the inputs of the curators of interactions, from their other interactions."""
        curators = self._made.curators[rows]
        inputs = self.tables.stated(curators)
        if self._tastes is None:
            return inputs
        for name, (means, chosen, counts) in self._sides.items():
            own = np.where(chosen[rows][:, np.newaxis], self._tastes.sent[rows], 0.0)
            inputs[name] = _without(own, means[curators], counts[curators])
        return inputs

    def pairs_of(self, rows: Indices) -> npt.NDArray[np.float32]:
        """Return the standardised features of interactions, (rows, features)."""
        features: npt.NDArray[np.float32] = self._features[rows]
        return features


def _without(own: Floats, means: Matrix, counts: Indices) -> npt.NDArray[np.float32]:
    """Return means over vectors without one of them, all-zero if it is the only one.

    Args:
        own: The vector to leave out, all-zero to leave out none, (rows, tags).
        means: The means with it, (rows, tags).
        counts: The number of vectors with it, (rows,).
    """
    count = counts[:, np.newaxis]
    others = count - own.any(axis=1, keepdims=True)
    sums = np.where(others > 0, means * count - own, 0.0)
    return (sums / np.maximum(others, 1)).astype(np.float32)


def _are_present(indices: Indices, count: int) -> Mask:
    present: Mask = np.bincount(indices, minlength=count) > 0
    return present
