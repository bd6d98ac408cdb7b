"""Schemas of query parameters."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.tags import Score, TrackId
from app.store.manifest.training_results import RAW
from app.tagging.pooling import Pooling

VocabularyName = Annotated[
    str,
    Field(
        description=f"A name from GET /vocabularies, or `{RAW}` for the tags of the model itself.",
        examples=["subgenres"],
    ),
]

ChosenModel = Annotated[
    str | None,
    Field(description="Use only this model, a name from GET /models.", examples=["msd-musicnn"]),
]


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SuggestParameters(_Parameters):
    """The query of POST /suggest-tags."""

    vocabulary: VocabularyName = "subgenres"
    top_k: Annotated[int, Field(ge=1, le=20, description="The most tags to suggest.")] = 5
    pooling: Annotated[
        Pooling, Field(description="How the scores of windows become the score of the track.")
    ] = Pooling.MEAN
    threshold: Annotated[Score, Field(description="Leave out tags with a lower score.")] = 0.0
    model: ChosenModel = None


class Extra(StrEnum):
    """Parts of a response that are included on request."""

    PEAKS = "peaks"


class TaggramParameters(_Parameters):
    """The query of GET /taggram."""

    track_id: TrackId
    vocabulary: VocabularyName = "subgenres"
    model: ChosenModel = None
    pooling: Annotated[
        Pooling,
        Field(description="How the scores of windows become the score that tags are sorted by."),
    ] = Pooling.MEAN
    top: Annotated[
        int | None, Field(ge=1, description="The most tags to return, by descending pooled score.")
    ] = None
    start_s: Annotated[
        float, Field(ge=0, description="Leave out windows that end at or before this time.")
    ] = 0.0
    end_s: Annotated[
        float | None, Field(gt=0, description="Leave out windows that start at or after this time.")
    ] = None
    include: Annotated[
        Extra | None,
        Field(
            description="`peaks` adds the track's waveform to JSON; pictures and tables ignore it."
        ),
    ] = None
