"""The inputs of the network: what is known of artists, of curators and of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.recommender.data import Floats, Indices, Mask, Platform
from app.recommender.models.base import Tastes, Training
from app.recommender.models.pair_features import PairFeatures
from app.recommender.similarity import unit_rows

Inputs = dict[str, npt.NDArray[np.float32] | Indices]
"""By the name of the input, one row an artist, a curator or a pair."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of the inputs.

    Attributes:
        artists: The number of artists.
        curators: The number of curators.
        subgenres: The number of subgenres.
        countries: The number of countries of both sides, and an unknown one.
        tags: The number of tags; 0 without tag vectors.
        features: The number of features of pairs.
    """

    artists: int
    curators: int
    subgenres: int
    countries: int
    tags: int
    features: int


class InputTables:
    """Looks up the inputs of artists, curators and pairs.

    An id of 0 stands for an artist or curator that the network has not been trained on: it is known
    by its content only.

    Attributes:
        sizes: The sizes of the inputs.
    """

    def __init__(self, training: Training, tastes: Tastes | None, fitted: Mask) -> None:
        """Encode the tables.

        Args:
            training: What models are trained on.
            tastes: Its tag vectors; None to leave them out.
            fitted: Which interactions the weights are fitted to, (n,).
        """
        platform = training.platform
        self._platform, self._tastes = platform, tastes
        self._features = PairFeatures(training, tastes)
        of_training = self._features.of_training()
        spread = of_training.std(axis=0)
        self._mean, self._spread = of_training.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self._of_training = self._standardise(of_training)
        self._accepted_counts, self._declined_counts = _count_sides(platform, tastes)
        made, countries = platform.interactions, _number(platform)
        self._artist_ids = _known_ids(made.artists[fitted], len(platform.artists.ids))
        self._curator_ids = _known_ids(made.curators[fitted], len(platform.curators.ids))
        self._artist_countries = _encode(platform.artists.countries, countries)
        self._curator_countries = _encode(platform.curators.countries, countries)
        self._chosen = _units(platform.artists.subgenres)
        self._liked = _units(platform.curators.liked)
        self._disliked = _units(platform.curators.disliked)
        self.sizes = Sizes(
            len(platform.artists.ids),
            len(platform.curators.ids),
            len(platform.subgenres),
            len(countries) + 1,
            tastes.sent.shape[1] if tastes is not None else 0,
            of_training.shape[1],
        )

    def artists(self, artists: Indices, directions: Floats | None) -> Inputs:
        """Return the inputs of artists.

        Args:
            artists: Indices of artists, (rows,).
            directions: The direction of a track or a style of each, (rows, tags), all-zero if that
                is unknown; None without tag vectors.
        """
        inputs: Inputs = {
            "id": self._artist_ids[artists],
            "country": self._artist_countries[artists],
            "chosen": self._chosen[artists],
        }
        return inputs if directions is None else inputs | {"sent": directions.astype(np.float32)}

    def curators(self, curators: Indices) -> Inputs:
        """Return the inputs of curators, (rows,)."""
        inputs = self._stated(curators)
        if self._tastes is None:
            return inputs
        accepted, declined = self._tastes.accepted[curators], self._tastes.declined[curators]
        return inputs | {
            "accepted": accepted.astype(np.float32),
            "declined": declined.astype(np.float32),
        }

    def curators_of(self, rows: Indices) -> Inputs:
        """Return the inputs of the curators of interactions, from their other interactions.

        Args:
            rows: The rows of interactions to train on.
        """
        made = self._platform.interactions
        curators = made.curators[rows]
        inputs = self._stated(curators)
        if self._tastes is None:
            return inputs
        sent = self._tastes.sent[rows]
        for name, means, counts, chosen in (
            ("accepted", self._tastes.accepted, self._accepted_counts, made.accepted),
            ("declined", self._tastes.declined, self._declined_counts, made.declined),
        ):
            own = np.where(chosen[rows][:, np.newaxis], sent, 0.0)
            count = counts[curators][:, np.newaxis]
            others = count - own.any(axis=1, keepdims=True)
            sums = np.where(others > 0, means[curators] * count - own, 0.0)
            inputs[name] = (sums / np.maximum(others, 1)).astype(np.float32)
        return inputs

    def pairs_of(self, rows: Indices) -> npt.NDArray[np.float32]:
        """Return the standardised features of interactions to train on, (rows, features)."""
        features: npt.NDArray[np.float32] = self._of_training[rows]
        return features

    def pairs(self, artists: Indices, curators: Indices) -> npt.NDArray[np.float32]:
        """Return the standardised features of all pairs, (artists, curators, features)."""
        return self._standardise(np.stack(self._features.of(artists, curators), axis=-1))

    def _standardise(self, features: Floats) -> npt.NDArray[np.float32]:
        standard: npt.NDArray[np.float32] = ((features - self._mean) / self._spread).astype(
            np.float32
        )
        return standard

    def _stated(self, curators: Indices) -> Inputs:
        return {
            "id": self._curator_ids[curators],
            "country": self._curator_countries[curators],
            "liked": self._liked[curators],
            "disliked": self._disliked[curators],
        }


def _count_sides(platform: Platform, tastes: Tastes | None) -> tuple[Indices, Indices]:
    """Return the number of accepted and of declined tracks with a tag vector of each curator."""
    made, count = platform.interactions, len(platform.curators.ids)
    known = np.zeros(len(made), bool) if tastes is None else tastes.sent.any(axis=1)
    accepted = np.bincount(made.curators[made.accepted & known], minlength=count)
    declined = np.bincount(made.curators[made.declined & known], minlength=count)
    return accepted, declined


def _known_ids(present: Indices, count: int) -> Indices:
    """Return 1 + the index of those that are present, 0 for the others, (count,)."""
    ids = np.zeros(count, np.int64)
    ids[present] = present + 1
    return ids


def _number(platform: Platform) -> dict[str, int]:
    """Return the number of each country, from 1."""
    names = {*platform.artists.countries, *platform.curators.countries} - {""}
    return {name: number for number, name in enumerate(sorted(names), 1)}


def _encode(names: Sequence[str], numbers: dict[str, int]) -> Indices:
    return np.array([numbers.get(name, 0) for name in names], np.int64)


def _units(encoded: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    units: npt.NDArray[np.float32] = unit_rows(encoded).astype(np.float32)
    return units
