"""Schemas of feedback on recommendations: what became of the recommended curators."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.api.schemas.bodies import RECOMMENDATION_ID, PlatformId, StrictModel
from app.api.schemas.feedback import Name
from app.api.schemas.tags import TRACK_ID, TrackId
from app.domain import CuratorOutcome, ModelRef, Outcome, RecommendationFeedback

MAX_OUTCOMES = 100
"""The most curators of a recommendation."""


FEEDBACK_ID = "6f3f6d1e-52c1-4a0c-8a53-8c2b4de1c0b7"

EXAMPLE = {
    "id": FEEDBACK_ID,
    "recommendation_id": RECOMMENDATION_ID,
    "recommender": {"name": "curators", "version": "3"},
    "artist_id": "a17",
    "outcomes": [
        {
            "curator_id": "c4",
            "position": 1,
            "propensity": 1.0,
            "outcome": "shared",
            "track_id": TRACK_ID,
        },
        {"curator_id": "c9", "position": 2, "propensity": 1.0, "outcome": "sent"},
    ],
}


class AskedRecommender(StrictModel):
    """The recommender that a recommendation came from, as its answer names it."""

    name: Name = Field(examples=["curators"])
    version: Name = Field(examples=["3"])


class OutcomeIn(StrictModel):
    """What became of a recommended curator."""

    curator_id: PlatformId = Field(examples=["c4"])
    position: int = Field(
        ge=1,
        le=MAX_OUTCOMES,
        description="The place in the list that the artist saw, from 1.",
        examples=[1],
    )
    propensity: float = Field(
        gt=0,
        le=1,
        description="The probability of being recommended, from the answer.",
        examples=[1.0],
    )
    outcome: Outcome = Field(
        description="`sent`: a track was sent, and the curator has not answered. `declined`: "
        "declined without feedback. `feedback`: answered with feedback only. `agreed`: agreed to "
        "share the track. `shared`: shared it."
    )
    track_id: TrackId | None = None


class RecommendationFeedbackIn(StrictModel):
    """The body of POST /feedback that says what became of recommended curators."""

    id: UUID = Field(
        description="Chosen by the client. Feedback with the same id is counted once; a later "
        "outcome is new feedback with another id.",
        examples=[FEEDBACK_ID],
    )
    recommendation_id: UUID = Field(
        description="From the answer of POST /recommendations.", examples=[RECOMMENDATION_ID]
    )
    recommender: AskedRecommender
    artist_id: PlatformId = Field(examples=["a17"])
    outcomes: Annotated[
        list[OutcomeIn],
        Field(
            min_length=1,
            max_length=MAX_OUTCOMES,
            description="Curators who were sent a track, each once.",
        ),
    ]

    @model_validator(mode="after")
    def _each_curator_once(self) -> Self:
        for name in ("curator_id", "position"):
            values = [getattr(each, name) for each in self.outcomes]
            if len(set(values)) < len(values):
                raise ValueError(f"a {name} occurs twice in `outcomes`; give each one once")
        return self

    def to_domain(self) -> RecommendationFeedback:
        """Return the feedback as the domain's type."""
        return RecommendationFeedback(
            id=self.id,
            recommendation_id=self.recommendation_id,
            recommender=ModelRef(self.recommender.name, self.recommender.version),
            artist_id=self.artist_id,
            outcomes=tuple(CuratorOutcome(**vars(each)) for each in self.outcomes),
        )
