"""What a recommender is asked, and what it answers."""

from dataclasses import dataclass

from app.domain import Scores


@dataclass(frozen=True, eq=False)
class ArtistQuery:
    """An artist who looks for curators.

    Attributes:
        artist_id: The platform's id; None or one that the recommender does not know for a new
            artist.
        subgenres: The self-chosen subgenres, each one of the recommender's.
        country: The country; empty if unknown.
        tracks: The scores of the artist's tracks, (tracks, tags) in the order of the recommender's
            tags; no rows without tracks.
    """

    artist_id: str | None
    subgenres: tuple[str, ...]
    country: str
    tracks: Scores


@dataclass(frozen=True)
class SharedTag:
    """A tag in which the artist's tracks and the tracks that a curator accepted stand out.

    Attributes:
        tag: The tag.
        artist: Its mean score over the artist's tracks.
        curator: Its mean score over the tracks that the curator accepted.
    """

    tag: str
    artist: float
    curator: float


@dataclass(frozen=True)
class SimilarTrack:
    """A track that a curator accepted.

    Attributes:
        external_id: The platform's id.
        track_id: SHA-256 of the file; None if unknown.
        similarity: The cosine of its direction with that of the artist's most similar track.
    """

    external_id: str
    track_id: str | None
    similarity: float


@dataclass(frozen=True)
class Recommendation:
    """A recommended curator.

    Attributes:
        curator_id: The platform's id.
        score: The score of the model, by which curators are ordered.
        shared_subgenres: The artist's subgenres that the curator says to like.
        shared_tags: The tags in which both stand out most, the strongest first.
        similar_tracks: The accepted tracks most like the artist's, the most similar first.
        propensity: The probability of being among the recommended curators; 1 unless they are
            drawn.
    """

    curator_id: str
    score: float
    shared_subgenres: tuple[str, ...]
    shared_tags: tuple[SharedTag, ...]
    similar_tracks: tuple[SimilarTrack, ...]
    propensity: float = 1.0


@dataclass(frozen=True)
class Recommendations:
    """The answer to a query.

    Attributes:
        curators: The recommended curators in the order to show: by falling score unless they are
            drawn.
        is_cold: Whether the recommender knows no interactions of the artist, so that content alone
            decides.
    """

    curators: tuple[Recommendation, ...]
    is_cold: bool
