"""What models know of artists and curators, apart from the interactions of a pair.

The same types describe the artists of a platform and an artist that no platform knows yet, so that
a trained model scores both with the same code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.recommender.data import Floats, Indices, Interactions, OneHot, Platform
from app.recommender.models.base import Tastes
from app.recommender.similarity import Matrix, unit_rows
from app.recommender.target import PRIOR, likes_all_penalty

Which = Indices | slice
"""Indices of curators, or a slice of them, which copies no matrix."""

ALL = slice(None)


@dataclass(frozen=True, eq=False)
class ArtistContent:
    """What is known of artists, one a row.

    Attributes:
        numbers: The indices among the artists that a model was trained on, `UNKNOWN` for others,
            (rows,).
        chosen: The self-chosen subgenres, (rows, subgenres).
        countries: Numbers of countries, 0 if unknown, (rows,); see `number_countries`.
        owners: The row of each style, ascending, (styles,).
        directions: The direction of each style, (styles, tags).
    """

    numbers: Indices
    chosen: OneHot
    countries: Indices
    owners: Indices
    directions: Floats

    @classmethod
    def of(cls, platform: Platform, tastes: Tastes | None) -> "ArtistContent":
        """Return the artists of a platform.

        Args:
            platform: The tables.
            tastes: The tag vectors; None to leave them out.
        """
        artists = platform.artists
        nothing = np.zeros(0, np.int64), np.zeros((0, 0))
        owners, directions = (
            nothing if tastes is None else (tastes.artists.owners, tastes.artist_directions)
        )
        return cls(
            np.arange(len(artists.ids)),
            artists.subgenres,
            encode_countries(artists.countries, number_countries(platform)),
            owners,
            directions,
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Indices) -> "ArtistContent":
        """Return some of the artists, in this order."""
        starts, ends = (np.searchsorted(self.owners, rows, side) for side in ("left", "right"))
        places = [np.arange(*each) for each in zip(starts, ends, strict=True)]
        return ArtistContent(
            self.numbers[rows],
            self.chosen[rows],
            self.countries[rows],
            np.repeat(np.arange(len(rows)), ends - starts),
            self.directions[np.concatenate([np.zeros(0, np.int64), *places])],
        )

    def styles(self) -> Iterator[tuple[Indices, Floats]]:
        """Yield for the first style, the second and so on: the rows with one, its directions."""
        first = np.searchsorted(self.owners, np.arange(len(self)))
        counts = np.bincount(self.owners, minlength=len(self))
        for style in range(int(counts.max(initial=0))):
            rows = np.flatnonzero(counts > style)
            yield rows, self.directions[first[rows] + style]


@dataclass(frozen=True, eq=False)
class CuratorProfiles:
    """What is known of curators, one a row. All matrices have the same type of numbers.

    Attributes:
        liked: The subgenres that they say they like, (curators, subgenres).
        disliked: Those that they say they dislike.
        countries: Numbers of countries, 0 if unknown, (curators,); see `number_countries`.
        n_countries: The number of countries of artists and curators.
        rates: Their mean scores, shrunk to the mean of all, (curators,).
        accepted: The mean direction of the tracks that each accepted, (curators, tags); see
            `Tastes`.
        declined: The same for declined tracks.
    """

    liked: Matrix
    disliked: Matrix
    countries: Indices
    n_countries: int
    rates: Floats
    accepted: Matrix
    declined: Matrix

    @classmethod
    def of(cls, platform: Platform, tastes: Tastes | None) -> "CuratorProfiles":
        """Return the curators of a platform.

        Args:
            platform: The tables.
            tastes: The tag vectors; None to leave them out.
        """
        curators, countries = platform.curators, number_countries(platform)
        without_tags = np.zeros((len(curators.ids), 0))
        return cls(
            curators.liked.astype(float),
            curators.disliked.astype(float),
            encode_countries(curators.countries, countries),
            len(countries),
            mean_scores(platform.interactions, len(curators.ids)),
            without_tags if tastes is None else tastes.accepted,
            without_tags if tastes is None else tastes.declined,
        )

    def __len__(self) -> int:
        return len(self.rates)

    @cached_property
    def liked_columns(self) -> Matrix:
        """Return the liked subgenres as unit vectors, one a column, (subgenres, curators)."""
        return _unit_columns(self.liked)

    @cached_property
    def disliked_columns(self) -> Matrix:
        """Return the same for disliked subgenres."""
        return _unit_columns(self.disliked)

    @cached_property
    def likes_all(self) -> Floats:
        """Return the penalty of each curator for liking nearly all subgenres, (curators,)."""
        return likes_all_penalty(self.liked)

    @cached_property
    def accepted_units(self) -> Matrix:
        """Return the directions of accepted tracks as unit vectors, (curators, tags)."""
        return unit_rows(self.accepted).astype(self.accepted.dtype)

    @cached_property
    def declined_units(self) -> Matrix:
        """Return the same for declined tracks."""
        return unit_rows(self.declined).astype(self.declined.dtype)


def match_subgenres(chosen: OneHot, columns: Matrix, which: Which) -> Matrix:
    """Return the cosine of chosen subgenres with what curators state, (artists, curators).

    Args:
        chosen: (artists, subgenres).
        columns: Unit vectors of the curators, (subgenres, all curators).
        which: The curators.
    """
    used = chosen.any(axis=0)  # a single artist chose few, so that most columns can be skipped
    units = unit_rows(chosen)[:, used].astype(columns.dtype)
    cosines: Matrix = units @ columns[used][:, which]
    return cosines


def match_styles(artists: ArtistContent, weights: Matrix) -> Matrix:
    """Return the highest product of an artist's styles with each row, (artists, rows).

    Args:
        artists: The artists; those without a style get 0.
        weights: (rows, tags).
    """
    best = np.zeros((len(artists), len(weights)), weights.dtype)
    for style, (rows, directions) in enumerate(artists.styles()):
        products = directions.astype(weights.dtype) @ weights.T
        best[rows] = products if style == 0 else np.maximum(best[rows], products)
    return best


def mean_scores(made: Interactions, curators: int) -> Floats:
    """Return the mean score of each curator, shrunk to the mean of all, (curators,)."""
    answered = np.bincount(made.curators, minlength=curators)
    summed = np.bincount(made.curators, made.scores, curators)
    means: Floats = (summed + PRIOR * made.scores.mean()) / (answered + PRIOR)
    return means


def number_countries(platform: Platform) -> dict[str, int]:
    """Return the number of each country of artists and curators, from 1, in alphabetical order."""
    names = {*platform.artists.countries, *platform.curators.countries} - {""}
    return {name: number for number, name in enumerate(sorted(names), 1)}


def encode_countries(names: Sequence[str], numbers: Mapping[str, int]) -> Indices:
    """Return the number of each country, 0 for those without one, (names,)."""
    return np.array([numbers.get(name, 0) for name in names], np.int64)


def _unit_columns(rows: Matrix) -> Matrix:
    columns: Matrix = np.ascontiguousarray(unit_rows(rows).T, rows.dtype)
    return columns
