"""What a platform knows, as columns: artists, curators, tracks, and what happened between them.

Rows refer to each other by index, so that a model needs no ids. An artist is what the thesis calls
a band, a curator what it calls an influencer.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.domain import Scores

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]
"""In UTC, to the microsecond; NaT if unknown."""

Mask = npt.NDArray[np.bool_]
OneHot = npt.NDArray[np.float32]
"""(rows, subgenres): 1 for the subgenres of a row, otherwise 0."""

DECLINED, FEEDBACK, AGREED, SHARED = 0.0, 0.25, 0.5, 1.0
OUTCOMES = (DECLINED, FEEDBACK, AGREED, SHARED)
"""The scores of an interaction (thesis, section 2.2.1)."""

UNKNOWN = -1
"""The index or position of an interaction that has none."""


@dataclass(frozen=True, eq=False)
class Artists:
    """The artists, in the order of their table.

    Attributes:
        ids: The platform's ids.
        subgenres: The self-chosen subgenres of each, (artists, subgenres).
        countries: Countries; empty if unknown.
        joined: Times of their registration, (artists,).
        goals: What their campaigns are for; empty if unknown.
        bio_features: Values extracted from the biographies, as texts.
    """

    ids: tuple[str, ...]
    subgenres: OneHot
    countries: tuple[str, ...]
    joined: Times
    goals: tuple[str, ...]
    bio_features: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Curators:
    """The curators, in the order of their table.

    Attributes:
        ids: The platform's ids.
        liked: The subgenres that they say they like, (curators, subgenres).
        neutral: Those that they say they accept.
        disliked: Those that they say they dislike.
        countries: Countries; empty if unknown.
        languages: Languages; empty if unknown.
    """

    ids: tuple[str, ...]
    liked: OneHot
    neutral: OneHot
    disliked: OneHot
    countries: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Tracks:
    """The tracks of the artists.

    Attributes:
        external_ids: The platform's ids.
        track_ids: SHA-256 of the files; empty if unknown.
        artists: The index of the artist of each, (tracks,).
    """

    external_ids: tuple[str, ...]
    track_ids: tuple[str, ...]
    artists: Indices


@dataclass(frozen=True, eq=False)
class Interactions:
    """What curators answered to artists, in the order of time; one array an attribute, (n,).

    Attributes:
        artists: Indices of artists.
        curators: Indices of curators.
        tracks: Indices of tracks, `UNKNOWN` if only the artist is known.
        scores: One of `OUTCOMES`.
        at: Times.
        positions: Positions in the list that the artist saw, from 1; `UNKNOWN` if not logged.
        propensities: Probabilities of being recommended; NaN if not logged.
        ratings: The artist's rating of the feedback, 1 to 5; NaN without one.
        in_contact: 1 if they were in contact after the campaign, 0 if not; NaN if unknown.
        viewed_s: Time that the artist spent on the curator's page, in seconds; NaN if unknown.
    """

    artists: Indices
    curators: Indices
    tracks: Indices
    scores: Floats
    at: Times
    positions: Indices
    propensities: Floats
    ratings: Floats
    in_contact: Floats
    viewed_s: Floats

    def __len__(self) -> int:
        return len(self.artists)

    def take(self, rows: Indices | Mask) -> "Interactions":
        """Return some of the interactions.

        Args:
            rows: Their indices, or which of them, (n,).
        """
        return Interactions(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    @property
    def accepted(self) -> Mask:
        """Which of them the curator agreed to share, (n,)."""
        return self.scores >= AGREED

    @property
    def declined(self) -> Mask:
        """Which of them the curator declined without feedback, (n,)."""
        declined: Mask = self.scores == DECLINED
        return declined


@dataclass(frozen=True, eq=False)
class Platform:
    """The tables of a platform.

    Attributes:
        subgenres: The names of the subgenres that artists and curators choose from.
        artists: The artists.
        curators: The curators.
        tracks: The tracks.
        interactions: What happened.
    """

    subgenres: tuple[str, ...]
    artists: Artists
    curators: Curators
    tracks: Tracks
    interactions: Interactions

    def with_interactions(self, interactions: Interactions) -> "Platform":
        """Return the platform with other interactions, such as those of a split."""
        return replace(self, interactions=interactions)

    @cached_property
    def tracks_by_artist(self) -> tuple[Indices, ...]:
        """Return the indices of the tracks of each artist."""
        order = np.argsort(self.tracks.artists, kind="stable")
        counts = np.bincount(self.tracks.artists, minlength=len(self.artists.ids))
        return tuple(np.split(order, np.cumsum(counts)[:-1]))

    @property
    def sparsity(self) -> float:
        """Return the share of pairs of artist and curator without an interaction."""
        pairs = len(self.artists.ids) * len(self.curators.ids)
        keys = self.interactions.artists * len(self.curators.ids) + self.interactions.curators
        return 1 - len(np.unique(keys)) / pairs if pairs else 1.0


@dataclass(frozen=True)
class VectorSource:
    """What computed tag vectors.

    Attributes:
        models: The models, such as `msd-musicnn/1`.
        vocabularies: The vocabularies whose tags are the columns, such as `subgenres/1`; without
            any, the columns are the raw tags of the only model.
    """

    models: tuple[str, ...]
    vocabularies: tuple[str, ...] = ()

    def __str__(self) -> str:
        models = ", ".join(self.models)
        return f"{', '.join(self.vocabularies)} from {models}" if self.vocabularies else models


@dataclass(frozen=True, eq=False)
class TagVectors:
    """The tag scores of tracks, whatever computed them.

    Attributes:
        tags: The names of the tags.
        scores: (tracks, tags) float32 within 0..1.
        rows: The row of each track, by the platform's id.
        rows_by_file: The row of each track, by the SHA-256 of the file.
        source: What computed them.
        unusable: The platform's ids of tracks whose scores are all zero or not finite; they have
            no row.
    """

    tags: tuple[str, ...]
    scores: Scores
    rows: dict[str, int]
    rows_by_file: dict[str, int]
    source: VectorSource
    unusable: tuple[str, ...] = ()

    def rows_of(self, tracks: Tracks) -> Indices:
        """Return the row of each track of a platform, `UNKNOWN` for those without scores."""
        found = [
            self.rows.get(external_id, self.rows_by_file.get(track_id, UNKNOWN))
            for external_id, track_id in zip(tracks.external_ids, tracks.track_ids, strict=True)
        ]
        return np.array(found, np.int64)
