"""The reasons for a recommendation: what the artist and the curator have in common."""

import numpy as np

from app.domain import Scores
from app.recommender.data import Floats
from app.recommender.serving.contents import Contents, usable_tracks
from app.recommender.serving.query import ArtistQuery, SharedTag, SimilarTrack
from app.recommender.serving.ranking import highest
from app.recommender.similarity import Matrix

SHARED_TAGS, SIMILAR_TRACKS = 5, 3
"""The most of them for a curator."""


class Reasons:
    """Finds reasons, from the tracks that curators accepted and from what they state."""

    def __init__(
        self, subgenres: tuple[str, ...], tags: tuple[str, ...], contents: Contents
    ) -> None:
        """Keep what reasons name.

        Args:
            subgenres: The names of the subgenres.
            tags: The names of the tags.
            contents: The contents of the package.
        """
        self._columns = {name: column for column, name in enumerate(subgenres)}
        self._tags, self._contents = tags, contents
        directions = contents.space.directions(contents.tracks.scores)
        self._directions: Matrix = directions.astype(np.float32)  # now, not on the first request

    def shared_subgenres(self, query: ArtistQuery, curator: int) -> tuple[str, ...]:
        """Return the artist's subgenres that a curator says to like, in the artist's order."""
        liked = self._contents.profiles.liked[curator]
        return tuple(name for name in query.subgenres if liked[self._columns[name]])

    def shared_tags(self, query: ArtistQuery, curator: int) -> tuple[SharedTag, ...]:
        """Return the tags in which the artist's and the accepted tracks stand out most.

        A tag stands out if its mean is above that of all tracks, in standard deviations. How much
        it does in both is the smaller of the two.
        """
        tracks = usable_tracks(query.tracks)
        rows = self._contents.accepted.of(curator)
        if not len(tracks) or not len(rows):
            return ()
        artist, accepted = _mean(tracks), _mean(self._contents.tracks.scores[rows])
        space = self._contents.space
        both: Floats = (np.minimum(artist, accepted) - space.mean) / space.spread
        return tuple(
            SharedTag(self._tags[tag], float(artist[tag]), float(accepted[tag]))
            for tag in highest(both, SHARED_TAGS)
            if both[tag] > 0
        )

    def similar_tracks(self, query: ArtistQuery, curator: int) -> tuple[SimilarTrack, ...]:
        """Return the accepted tracks most like one of the artist's."""
        tracks = usable_tracks(query.tracks)
        rows = self._contents.accepted.of(curator)
        if not len(tracks) or not len(rows):
            return ()
        directions = self._contents.space.directions(tracks).astype(np.float32)
        cosines = (self._directions[rows] @ directions.T).max(axis=1)
        known = self._contents.tracks
        return tuple(
            SimilarTrack(
                known.external_ids[rows[place]],
                known.track_ids[rows[place]] or None,
                float(np.clip(cosines[place], -1, 1)),
            )
            for place in highest(cosines, SIMILAR_TRACKS)
            if cosines[place] > 0
        )


def _mean(scores: Scores) -> Floats:
    mean: Floats = scores.mean(axis=0, dtype=float)
    return mean
