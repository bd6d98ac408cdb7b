"""The inputs of the network: what is known of artists, of curators and of pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.recommender.data import UNKNOWN, Floats, Indices, Mask
from app.recommender.models.content import ArtistContent, CuratorProfiles, Which
from app.recommender.models.pair_features import pair_features
from app.recommender.similarity import Matrix, unit_rows

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


@dataclass(frozen=True, eq=False)
class InputTables:
    """Looks up the inputs of artists, curators and pairs.

    An id of 0 stands for an artist or curator that the network has not been trained on: it is known
    by its content only.

    Attributes:
        profiles: What is known of the curators.
        known_artists: Which artists the weights are fitted to, (artists,).
        known_curators: Which curators they are fitted to, (curators,).
        mean: The mean of each feature of pairs, (features,).
        spread: Its standard deviation.
        has_tags: Whether tag vectors are among the inputs.
    """

    profiles: CuratorProfiles
    known_artists: Mask
    known_curators: Mask
    mean: Floats
    spread: Floats
    has_tags: bool

    @property
    def sizes(self) -> Sizes:
        """Return the sizes of the inputs."""
        return Sizes(
            len(self.known_artists),
            len(self.profiles),
            self.profiles.liked.shape[1],
            self.profiles.n_countries + 1,
            self.profiles.accepted.shape[1],
            len(self.mean),
        )

    def artists(self, artists: ArtistContent, directions: Floats | None) -> Inputs:
        """Return the inputs of artists.

        Args:
            artists: The artists, (rows,).
            directions: The direction of a track or a style of each, (rows, tags), all-zero if that
                is unknown; None without tag vectors.
        """
        inputs: Inputs = {
            "id": self.artist_ids(artists.numbers),
            "country": artists.countries,
            "chosen": unit_rows(artists.chosen).astype(np.float32),
        }
        return inputs if directions is None else inputs | {"sent": directions.astype(np.float32)}

    def artist_ids(self, numbers: Indices) -> Indices:
        """Return 1 + the number of artists that the network was trained on, otherwise 0."""
        is_known = (numbers != UNKNOWN) & np.append(self.known_artists, False)[numbers]
        return np.where(is_known, numbers + 1, 0)

    def curators(self, curators: Which) -> Inputs:
        """Return the inputs of curators, (rows,)."""
        inputs = self.stated(curators)
        if not self.has_tags:
            return inputs
        return inputs | {
            "accepted": self.profiles.accepted[curators].astype(np.float32),
            "declined": self.profiles.declined[curators].astype(np.float32),
        }

    def stated(self, curators: Which) -> Inputs:
        """Return the inputs of curators that don't come from interactions."""
        ids = np.arange(1, len(self.profiles) + 1)[curators]
        return {
            "id": np.where(self.known_curators[curators], ids, 0),
            "country": self.profiles.countries[curators],
            "liked": self._liked[curators],
            "disliked": self._disliked[curators],
        }

    def pairs(self, artists: ArtistContent, curators: Which) -> npt.NDArray[np.float32]:
        """Return the standardised features of all pairs, (artists, curators, features)."""
        features = pair_features(artists, self.profiles, curators, has_tags=self.has_tags)
        return self.standardise(np.stack(features, axis=-1))

    def standardise(self, features: Matrix) -> npt.NDArray[np.float32]:
        """Return features in standard deviations from their mean, (..., features)."""
        standard: npt.NDArray[np.float32] = ((features - self.mean) / self.spread).astype(
            np.float32
        )
        return standard

    @cached_property
    def _liked(self) -> npt.NDArray[np.float32]:
        return unit_rows(self.profiles.liked).astype(np.float32)

    @cached_property
    def _disliked(self) -> npt.NDArray[np.float32]:
        return unit_rows(self.profiles.disliked).astype(np.float32)
