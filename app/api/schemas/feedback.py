"""Schemas of feedback on suggested tags."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.api.schemas.bodies import NO_CONTROL_CHARACTERS, StrictModel
from app.api.schemas.tags import TRACK_ID, Score, TrackId
from app.domain import Confidence, Feedback, ModelRef, ShownTag
from app.tagging.pooling import Pooling

FEEDBACK_ID = "4a0f6d1e-3c6b-4b0e-9a64-3d2f5a7c1b8e"

EXAMPLE = {
    "id": FEEDBACK_ID,
    "track_id": TRACK_ID,
    "models": [{"name": "msd-musicnn", "version": "1"}],
    "vocabulary": "genres",
    "vocabulary_version": "2",
    "pooling": "mean",
    "confidence": "high",
    "shown": [
        {"tag": "electronic", "score": 0.748, "accepted": True},
        {"tag": "ambient", "score": 0.735, "accepted": False},
    ],
    "added": ["space music"],
}

MAX_SHOWN = MAX_ADDED = MAX_MODELS = 20
MAX_CHARACTERS = 100

Name = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS, pattern=r"^[A-Za-z0-9._-]+$")]
Text = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS, pattern=NO_CONTROL_CHARACTERS)]
Tag = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=MAX_CHARACTERS, pattern=NO_CONTROL_CHARACTERS
    ),
    Field(examples=["ambient"]),
]


class AskedModel(StrictModel):
    """A model that the suggestions came from."""

    name: Name = Field(examples=["msd-musicnn"])
    version: Name = Field(examples=["1"])


class ShownIn(StrictModel):
    """A suggestion that was shown, and whether it was accepted or rejected."""

    tag: Tag
    score: Score = Field(examples=[0.316])
    accepted: bool


class FeedbackIn(StrictModel):
    """The body of POST /feedback that says what became of suggested tags."""

    id: UUID = Field(
        description="Chosen by the page. Feedback with the same id is counted once.",
        examples=[FEEDBACK_ID],
    )
    track_id: TrackId
    models: Annotated[list[AskedModel], Field(min_length=1, max_length=MAX_MODELS)]
    vocabulary: Text = Field(examples=["subgenres"])
    vocabulary_version: Text = Field(examples=["1"])
    pooling: Pooling
    confidence: Confidence
    shown: Annotated[list[ShownIn], Field(max_length=MAX_SHOWN, description="In the order shown.")]
    added: Annotated[
        list[Tag], Field(max_length=MAX_ADDED, description="Chosen tags that were not shown.")
    ] = []  # noqa: RUF012 - pydantic copies it

    @model_validator(mode="after")
    def _each_tag_once(self) -> Self:
        tags = [shown.tag for shown in self.shown] + list(self.added)
        if not tags:
            raise ValueError("there is no tag; give at least one in `shown` or `added`")
        if len({tag.casefold() for tag in tags}) < len(tags):
            raise ValueError("a tag occurs twice; give each tag once, in `shown` or in `added`")
        return self

    def to_domain(self) -> Feedback:
        """Return the feedback as the domain's type."""
        return Feedback(
            id=self.id,
            track_id=self.track_id,
            models=tuple(ModelRef(model.name, model.version) for model in self.models),
            vocabulary=self.vocabulary,
            vocabulary_version=self.vocabulary_version,
            pooling=self.pooling,
            confidence=self.confidence,
            shown=tuple(ShownTag(shown.tag, shown.score, shown.accepted) for shown in self.shown),
            added=tuple(self.added),
        )


class FeedbackOut(BaseModel):
    """The answer of POST /feedback."""

    id: UUID = Field(examples=[FEEDBACK_ID])
    kept: bool = Field(description="Whether the feedback is stored; it is counted in any case.")
