"""What a published recommender holds, apart from its manifest.

It holds what serving needs and no more: curators' ids with what they state and with the means of
what they accepted and declined, and the platform's tracks with their tag vectors. It holds ids of
artists only if the model has embeddings of them, and no single interaction but the pairs of curator
and accepted track.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.domain import Samples, Scores
from app.recommender.data import UNKNOWN, Indices, Platform, TagVectors
from app.recommender.models.content import CuratorProfiles, number_countries
from app.recommender.models.content_model import ContentModel, Parameters
from app.recommender.policies.bandit import ThompsonSampling
from app.recommender.tag_space import TagSpace


@dataclass(frozen=True, eq=False)
class KnownTracks:
    """The tracks of the platform that have a tag vector.

    Attributes:
        external_ids: The platform's ids.
        track_ids: SHA-256 of the files; empty if unknown.
        scores: Their tag vectors, (tracks, tags).
    """

    external_ids: tuple[str, ...]
    track_ids: tuple[str, ...]
    scores: Scores

    @cached_property
    def rows(self) -> dict[str, int]:
        """Return the row of each known file, by its SHA-256."""
        return {track_id: row for row, track_id in enumerate(self.track_ids) if track_id}


@dataclass(frozen=True, eq=False)
class AcceptedTracks:
    """The rows of the tracks that each curator accepted, in `KnownTracks`.

    Attributes:
        ends: Where those of each curator end in `rows`, (curators,).
        rows: The rows, those of the first curator first.
    """

    ends: Indices
    rows: Indices

    def of(self, curator: int) -> Indices:
        """Return the rows of a curator."""
        start = self.ends[curator - 1] if curator else 0
        rows: Indices = self.rows[start : self.ends[curator]]
        return rows


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of a package.

    Attributes:
        curators: The platform's ids.
        artists: The platform's ids, if the model has embeddings of artists; otherwise none.
        countries: The names of countries, by number from 1.
        profiles: What is known of the curators.
        space: Turns tag vectors into directions.
        tracks: The platform's tracks.
        accepted: Those that each curator accepted.
        parameters: What was trained.
        bandit: What re-orders the curators; None for a list without chance.
    """

    curators: tuple[str, ...]
    artists: tuple[str, ...]
    countries: tuple[str, ...]
    profiles: CuratorProfiles
    space: TagSpace
    tracks: KnownTracks
    accepted: AcceptedTracks
    parameters: Parameters
    bandit: ThompsonSampling | None = None


def collect_contents(
    platform: Platform,
    vectors: TagVectors | None,
    model: ContentModel,
    bandit: ThompsonSampling | None = None,
) -> Contents:
    """Return what serving a trained model needs.

    Args:
        platform: The tables that it was trained on.
        vectors: The tag vectors that it was trained on; not used if the model has no tags.
        model: The model.
        bandit: What is to re-order the curators, fitted to the features of the same pairs.
    """
    if vectors is None or not model.has_tags:
        space, rows = TagSpace(np.zeros(0), np.ones(0)), np.full(len(platform.tracks.artists), -1)
        scores = np.zeros((0, 0), np.float32)
    else:
        space, rows = TagSpace.of(vectors.scores), vectors.rows_of(platform.tracks)
        scores = vectors.scores[rows[rows != UNKNOWN]]
    known = np.flatnonzero(rows != UNKNOWN)
    tracks = KnownTracks(
        tuple(platform.tracks.external_ids[each] for each in known),
        tuple(platform.tracks.track_ids[each] for each in known),
        scores,
    )
    return Contents(
        platform.curators.ids,
        platform.artists.ids if len(model.known_artists) else (),
        tuple(number_countries(platform)),
        model.profiles,
        space,
        tracks,
        _accepted_tracks(platform, known),
        model.parameters(),
        bandit,
    )


def usable_tracks(scores: Scores) -> Samples:
    """Return the tag vectors that have a direction: finite, and not all zero, (tracks, tags)."""
    is_usable = np.isfinite(scores).all(axis=1) & (scores != 0).any(axis=1)
    usable: Samples = scores[is_usable]
    return usable


def _accepted_tracks(platform: Platform, known: Indices) -> AcceptedTracks:
    """Return the accepted tracks among known ones.

    Args:
        platform: The tables.
        known: The indices of the tracks that have a row.
    """
    made = platform.interactions
    rows_by_track = np.full(len(platform.tracks.artists) + 1, UNKNOWN)  # the last one: no track
    rows_by_track[known] = np.arange(len(known))
    rows = rows_by_track[made.tracks]
    is_used = made.accepted & (rows != UNKNOWN)
    pairs = np.unique(np.stack([made.curators[is_used], rows[is_used]], axis=1), axis=0)
    counts = np.bincount(pairs[:, 0], minlength=len(platform.curators.ids))
    return AcceptedTracks(np.cumsum(counts), pairs[:, 1])
