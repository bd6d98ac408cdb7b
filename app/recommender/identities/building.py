"""Builds the identities of artists and curators: the pooled tag vectors of their tracks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.domain import Samples, Scores
from app.recommender.data import UNKNOWN, Floats, Indices, Interactions, Mask, Platform, TagVectors
from app.recommender.identities.styles import group_styles
from app.recommender.tag_space import TagSpace
from app.tagging.pooling import Pooling, pool


@dataclass(frozen=True)
class PoolingRule:
    """How the vectors of tracks become one vector.

    Attributes:
        pooling: How the scores of a tag over the tracks become one; tracks take the place of the
            windows in `app.tagging.pooling`.
        top_n: The number of highest tags that are kept, the others are 0; None keeps all.
    """

    pooling: Pooling = Pooling.MEAN
    top_n: int | None = None

    def apply(self, scores: Scores) -> Samples:
        """Return the vector of some tracks, (tags,).

        Args:
            scores: (tracks, tags), at least one track.
        """
        pooled = pool(scores, self.pooling)
        if self.top_n is None or self.top_n >= len(pooled):
            return pooled
        kept = np.argsort(-pooled, kind="stable")[: self.top_n]
        highest = np.zeros_like(pooled)
        highest[kept] = pooled[kept]
        return highest


@dataclass(frozen=True, eq=False)
class Identities:
    """The vectors of artists, or of one side of curators; an artist has one for each style.

    Attributes:
        owners: The index of the artist or curator of each vector, ascending, (rows,).
        vectors: (rows, tags) float32.
        tracks: The number of tracks of each, (rows,).
        spreads: The mean cosine distance of the tracks from their mean direction, (rows,).
    """

    owners: Indices
    vectors: Scores
    tracks: Indices
    spreads: Floats

    @property
    def styles(self) -> Indices:
        """Return the number of each vector among those of its owner, from 0, (rows,)."""
        starts = np.searchsorted(self.owners, self.owners)
        styles: Indices = np.arange(len(self.owners)) - starts
        return styles

    def by_owner(self, count: int) -> Scores:
        """Return one vector for each owner, (count, tags): the mean by tracks; zeros without one.

        Args:
            count: The number of artists or curators.
        """
        summed = np.zeros((count, self.vectors.shape[1]))
        np.add.at(summed, self.owners, self.vectors * self.tracks[:, np.newaxis])
        totals = np.bincount(self.owners, self.tracks, count)[:, np.newaxis]
        means: Scores = (summed / np.maximum(totals, 1)).astype(np.float32)
        return means


class _Group(NamedTuple):
    """Tracks with one owner, and of an artist of one style."""

    owner: int
    scores: Scores
    directions: Floats


class IdentityBuilder:
    """Builds identities from the tag vectors of a platform's tracks."""

    def __init__(self, platform: Platform, vectors: TagVectors, rule: PoolingRule) -> None:
        """Find the vectors of the platform's tracks.

        Args:
            platform: The tables.
            vectors: The tag vectors.
            rule: How the vectors of tracks become one.
        """
        self._platform = platform
        self._vectors = vectors
        self._rule = rule
        self._rows = vectors.rows_of(platform.tracks)
        self._directions = TagSpace.of(vectors.scores).directions(vectors.scores)

    def artists(self) -> Identities:
        """Return the identities of the artists who have scored tracks."""
        return self._pooled(self._styles())

    def curators(self, interactions: Interactions, chosen: Mask) -> Identities:
        """Return the identities of curators on one side.

        If it is unknown which track was sent, the mean of the artist's tracks takes its place.

        Args:
            interactions: What happened; nothing later than what is predicted.
            chosen: The interactions of the side, such as those that were accepted, (n,).
        """
        return self._pooled(self._sides(interactions.take(chosen)))

    def sent_directions(self, interactions: Interactions) -> Floats:
        """Return what was sent in each interaction as a direction, (n, tags), all-zero if unknown.

        Args:
            interactions: What happened.
        """
        directions = np.zeros((len(interactions), len(self._vectors.tags)))
        pairs = zip(interactions.artists, interactions.tracks, strict=True)
        for row, (artist, track) in enumerate(pairs):
            if (scored := self._scored(artist, track)) is not None:
                directions[row] = scored[1]
        return directions

    def _styles(self) -> Iterator[_Group]:
        for artist, tracks in enumerate(self._platform.tracks_by_artist):
            rows = self._rows[tracks]
            rows = rows[rows != UNKNOWN]
            if not len(rows):
                continue
            for members in group_styles(self._directions[rows]):
                of_style = rows[members]
                yield _Group(artist, self._vectors.scores[of_style], self._directions[of_style])

    def _sides(self, interactions: Interactions) -> Iterator[_Group]:
        order = np.argsort(interactions.curators, kind="stable")
        owners, starts = np.unique(interactions.curators[order], return_index=True)
        for owner, rows in zip(owners, np.split(order, starts[1:]), strict=True):
            found = [
                scored
                for artist, track in zip(
                    interactions.artists[rows], interactions.tracks[rows], strict=True
                )
                if (scored := self._scored(artist, track)) is not None
            ]
            if found:
                scores, directions = zip(*found, strict=True)
                yield _Group(int(owner), np.stack(scores), np.stack(directions))

    def _scored(self, artist: int, track: int) -> tuple[Samples, Floats] | None:
        """Return the scores and the direction of a track, or the mean of an artist's tracks."""
        if track != UNKNOWN and self._rows[track] != UNKNOWN:
            row = self._rows[track]
            return self._vectors.scores[row], self._directions[row]
        rows = self._rows[self._platform.tracks_by_artist[artist]]
        rows = rows[rows != UNKNOWN]
        if not len(rows):
            return None
        return self._vectors.scores[rows].mean(axis=0), self._directions[rows].mean(axis=0)

    def _pooled(self, groups: Iterable[_Group]) -> Identities:
        kept = list(groups)
        vectors = [self._rule.apply(group.scores) for group in kept]
        empty = np.empty((0, len(self._vectors.tags)), np.float32)
        return Identities(
            owners=np.array([group.owner for group in kept], np.int64),
            vectors=np.concatenate(
                [empty, np.array(vectors, np.float32).reshape(-1, empty.shape[1])]
            ),
            tracks=np.array([len(group.scores) for group in kept], np.int64),
            spreads=np.array([_spread(group.directions) for group in kept], float),
        )


def _spread(directions: Floats) -> float:
    """Return the mean cosine distance of rows from their mean direction: 1 - its length."""
    return float(1 - np.linalg.norm(directions.mean(axis=0)))
