"""Schemas of recommendations and identities."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from app.api.schemas.bodies import RECOMMENDATION_ID, PlatformId, StrictModel
from app.api.schemas.feedback import Text
from app.api.schemas.tags import TRACK_ID, ModelOut, Score, TrackId
from app.recommender.serving.query import Recommendation, SharedTag, SimilarTrack

MAX_TRACKS = 20
MAX_SUBGENRES = 100
MAX_EXCLUDED = 1_000
MAX_K = 100


class ArtistIn(StrictModel):
    """An artist who looks for curators; at least one field is needed."""

    artist_id: PlatformId | None = Field(
        None, description="The platform's id of the artist.", examples=["a17"]
    )
    subgenres: Annotated[
        list[Text],
        Field(max_length=MAX_SUBGENRES, description="The self-chosen ones.", examples=[["techno"]]),
    ] = []  # noqa: RUF012 - pydantic copies it
    country: Text | None = Field(None, description="As in the platform's tables.", examples=["DE"])
    track_ids: Annotated[
        list[TrackId],
        Field(
            max_length=MAX_TRACKS,
            description="SHA-256 of the files of the artist's tracks; one that is given twice "
            "counts once.",
            examples=[[TRACK_ID]],
        ),
    ] = []  # noqa: RUF012 - pydantic copies it

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.artist_id or self.subgenres or self.country or self.track_ids):
            raise ValueError("it is empty; give subgenres, country, track_ids or artist_id")
        return self


class RecommendationsIn(StrictModel):
    """The body of POST /recommendations."""

    artist: ArtistIn
    k: Annotated[
        int, Field(ge=1, le=MAX_K, description="The most curators to recommend.", examples=[10])
    ] = 10
    exclude: Annotated[
        list[PlatformId],
        Field(
            max_length=MAX_EXCLUDED,
            description="Ids of curators to leave out, such as those that the artist contacted.",
            examples=[["c9"]],
        ),
    ] = []  # noqa: RUF012 - pydantic copies it


class SharedTagOut(BaseModel):
    """A tag in which the artist's tracks and those that the curator accepted stand out."""

    tag: str = Field(examples=["ambient"])
    artist: float = Field(description="Its mean score over the artist's tracks.", examples=[0.71])
    curator: float = Field(
        description="Its mean score over the tracks that the curator accepted.", examples=[0.64]
    )

    @classmethod
    def of(cls, shared: SharedTag) -> "SharedTagOut":
        """Return the schema of the domain's shared tag."""
        return cls(tag=shared.tag, artist=round(shared.artist, 6), curator=round(shared.curator, 6))


class SimilarTrackOut(BaseModel):
    """A track that the curator accepted."""

    external_id: str = Field(description="The platform's id.", examples=["t8"])
    track_id: str | None = Field(
        description="SHA-256 of the file; null if unknown.", examples=[None]
    )
    similarity: float = Field(
        description="Cosine with the artist's most similar track, after each tag was standardised.",
        examples=[0.93],
    )

    @classmethod
    def of(cls, track: SimilarTrack) -> "SimilarTrackOut":
        """Return the schema of the domain's similar track."""
        return cls(
            external_id=track.external_id,
            track_id=track.track_id,
            similarity=round(track.similarity, 6),
        )


class ReasonsOut(BaseModel):
    """Why a curator is recommended; empty lists if there is no such reason."""

    subgenres: list[str] = Field(
        description="The artist's subgenres that the curator likes.", examples=[["techno"]]
    )
    tags: list[SharedTagOut] = Field(description="The strongest first.")
    tracks: list[SimilarTrackOut] = Field(description="The most similar first.")


class CuratorOut(BaseModel):
    """A recommended curator."""

    curator_id: str = Field(description="The platform's id.", examples=["c4"])
    position: int = Field(description="From 1.", examples=[1])
    score: float = Field(
        description="Of the model; it orders the curators of one answer.", examples=[0.61]
    )
    propensity: float = Field(
        description="The probability of being in this answer; 1 unless curators are drawn.",
        examples=[1.0],
    )
    reasons: ReasonsOut

    @classmethod
    def of(cls, position: int, recommendation: Recommendation) -> "CuratorOut":
        """Return the schema of the domain's recommendation."""
        return cls(
            curator_id=recommendation.curator_id,
            position=position,
            score=round(recommendation.score, 6),
            propensity=recommendation.propensity,
            reasons=ReasonsOut(
                subgenres=list(recommendation.shared_subgenres),
                tags=[SharedTagOut.of(each) for each in recommendation.shared_tags],
                tracks=[SimilarTrackOut.of(each) for each in recommendation.similar_tracks],
            ),
        )


class RecommenderParts(BaseModel):
    """The recommender of an answer, and what computes its tag vectors."""

    recommender: ModelOut = Field(examples=[{"name": "curators", "version": "3"}])
    tag_models: list[ModelOut] = Field(description="The models that score the tracks' tags.")
    vocabularies: list[ModelOut] = Field(
        description="The vocabularies of the tags; empty for raw tags.",
        examples=[[{"name": "subgenres", "version": "1"}]],
    )


class RecommendationsOut(RecommenderParts):
    """The answer of POST /recommendations."""

    recommendation_id: UUID = Field(
        description="To send with feedback on this answer.", examples=[RECOMMENDATION_ID]
    )
    model: str = Field(description="What orders the curators.", examples=["linear-tags"])
    cold: bool = Field(
        description="Whether content alone decides, as the recommender has no embedding of the "
        "artist's id."
    )
    tracks_used: int = Field(description="The tracks whose tags were found.", examples=[1])
    unknown_tracks: list[str] = Field(
        description="Track ids that neither the cache of this service nor the recommender knows.",
        examples=[[]],
    )
    curators: list[CuratorOut] = Field(
        description="In the order to show; fewer than `k` if there are no more."
    )


class IdentityTag(BaseModel):
    """A tag of a track with its score."""

    tag: str = Field(examples=["ambient"])
    score: Score = Field(examples=[0.716])


class IdentityOut(RecommenderParts):
    """The answer of GET /identities/{track_id}."""

    track_id: TrackId
    source: Literal["cache", "catalogue"] = Field(
        description="`cache` if this service analysed the track, `catalogue` if the recommender "
        "was trained on it."
    )
    tags: list[IdentityTag] = Field(description="All tags of the recommender, by falling score.")
