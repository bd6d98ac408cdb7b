"""What goes over HTTP about feedback."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.api.schemas.tags import Score, TrackId
from app.domain import Confidence, Feedback, ModelRef, ShownTag
from app.tagging.pooling import Pooling

MOST_SHOWN = MOST_ADDED = MOST_MODELS = 20
MOST_LETTERS = 100

NO_CONTROL_CHARACTERS = r"^[^\u0000-\u001f\u007f-\u009f]+$"
"""Spelt out, as not every reader of JSON schemas knows Unicode's categories."""

Name = Annotated[str, StringConstraints(max_length=MOST_LETTERS, pattern=r"^[A-Za-z0-9._-]+$")]
Words = Annotated[str, StringConstraints(max_length=MOST_LETTERS, pattern=NO_CONTROL_CHARACTERS)]
Tag = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=MOST_LETTERS, pattern=NO_CONTROL_CHARACTERS
    ),
    Field(examples=["ambient"]),
]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AskedModel(_Said):
    """A model that was asked."""

    name: Name = Field(examples=["msd-musicnn"])
    version: Name = Field(examples=["1"])


class ShownIn(_Said):
    """A suggestion, and whether it was accepted; else it was rejected."""

    tag: Tag
    score: Score = Field(examples=[0.316])
    accepted: bool


class FeedbackIn(_Said):
    """The body of POST /feedback."""

    id: UUID = Field(description="Of the page's own making; sent again, it counts once.")
    track_id: TrackId
    models: Annotated[list[AskedModel], Field(min_length=1, max_length=MOST_MODELS)]
    vocabulary: Words = Field(examples=["subgenres"])
    vocabulary_version: Words = Field(examples=["1"])
    pooling: Pooling
    confidence: Confidence
    shown: Annotated[list[ShownIn], Field(max_length=MOST_SHOWN, description="In the order shown.")]
    added: Annotated[
        list[Tag], Field(max_length=MOST_ADDED, description="Chosen, and not among those shown.")
    ] = []

    @model_validator(mode="after")
    def _each_tag_once(self) -> Self:
        tags = [shown.tag for shown in self.shown] + list(self.added)
        if not tags:
            raise ValueError("name at least one tag")
        if len({tag.casefold() for tag in tags}) < len(tags):
            raise ValueError("name each tag once, among those shown or those added")
        return self

    def said(self) -> Feedback:
        """In the domain's words."""
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

    id: UUID
    kept: bool = Field(
        description="Whether the operator keeps feedback; it is counted in any case."
    )
