"""Schemas of suggestions and taggrams."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.domain import PEAK_PAIRS, Confidence, Level, ModelRef, Suggestion
from app.tagging.pooling import Pooling

TRACK_ID = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

TrackId = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the uploaded file, in hex.",
        examples=[TRACK_ID],
    ),
]
Score = Annotated[float, Field(ge=0, le=1)]
Peak = Annotated[float, Field(ge=-1, le=1)]


class ModelOut(BaseModel):
    """A model and its version."""

    name: str = Field(examples=["msd-musicnn"])
    version: str = Field(examples=["1"])

    @classmethod
    def of(cls, ref: ModelRef) -> "ModelOut":
        """Return the schema of the domain's reference."""
        return cls(name=ref.name, version=ref.version)


class StretchOut(BaseModel):
    """A part of the track that supports a tag."""

    start_s: float = Field(examples=[41.888])
    end_s: float = Field(examples=[56.848])
    score: Score = Field(description="The tag's mean score there.", examples=[0.61])


class ScoredTag(BaseModel):
    """A tag with its score."""

    tag: str = Field(examples=["ambient"])
    label: str = Field(description="Display name in English.", examples=["Ambient"])
    level: Level = Field(
        description="`genre` if a genre is suggested because none of its subgenres fits as well."
    )
    score: Score = Field(
        description="Comparable across tags and models. Before it is multiplied by a factor of the "
        "parent genres, .5 means as likely as in the training data. Raw with `vocabulary=raw`.",
        examples=[0.716],
    )

    @classmethod
    def of(cls, suggestion: Suggestion) -> "ScoredTag":
        """Return the schema of the domain's suggestion, without its moments."""
        return cls(
            tag=suggestion.tag,
            label=suggestion.label,
            level=suggestion.level,
            score=round(suggestion.score, 6),
        )


class SuggestionOut(ScoredTag):
    """A tag that describes the track."""

    heard_at: list[StretchOut] = Field(
        description="At most three stretches in which the tag's odds are at least half of their "
        "maximum, the best first."
    )

    @classmethod
    def of(cls, suggestion: Suggestion) -> "SuggestionOut":
        """Return the schema of the domain's suggestion."""
        return cls(
            **dict(ScoredTag.of(suggestion)),
            heard_at=[
                StretchOut(
                    start_s=round(stretch.start_s, 3),
                    end_s=round(stretch.end_s, 3),
                    score=round(stretch.score, 6),
                )
                for stretch in suggestion.heard_at
            ],
        )


class TaggedTrack(BaseModel):
    """Fields that the responses about a track have in common."""

    track_id: TrackId
    duration_s: float = Field(description="Length of the decoded audio.", examples=[183.2])
    damaged: bool = Field(
        description="Whether a part of the file could not be decoded; the rest was analysed.",
        examples=[False],
    )
    announced_s: float | None = Field(
        description="For a damaged file, the duration that its header states.", examples=[None]
    )
    model: ModelOut = Field(description="The first of the models that were used.")
    models: list[ModelOut] = Field(description="All models that were used.")
    vocabulary: str = Field(examples=["subgenres"])
    vocabulary_version: str = Field(examples=["1"])


class SuggestTags(TaggedTrack):
    """The answer of POST /suggest-tags."""

    pooling: Pooling
    confidence: Confidence = Field(
        description="`low` if the scores resemble those of noise, tones or speech; `unknown` if "
        "this was measured for none of the models."
    )
    suggestions: list[SuggestionOut]
    cached: bool = Field(description="Whether all scores came from the cache.")
    taggram_url: str = Field(examples=[f"/taggram?track_id={TRACK_ID}&vocabulary=subgenres"])


class TrackProblem(BaseModel):
    """Why a track of several could not be read."""

    type: str = Field(description="As in an error.", examples=["/problems/silent_audio"])
    title: str = Field(examples=["The track is silent"])
    detail: str = Field(
        description="What is wrong and what to do.",
        examples=["The track is silent. Send one with sound."],
    )


class PooledTrack(BaseModel):
    """One of several tracks: its own suggestions, or its problem."""

    files: list[int] = Field(
        description="The positions of its file in the form, from 1; several if the same file was "
        "sent several times.",
        examples=[[1]],
    )
    suggested: SuggestTags | None = Field(
        description="The answer of POST /suggest-tags for this track; null if it has a problem."
    )
    problem: TrackProblem | None = Field(description="Null if the track was read.")


class PooledTags(BaseModel):
    """The answer of POST /suggest-tags/pooled."""

    model: ModelOut = Field(description="The first of the models that were used.")
    models: list[ModelOut] = Field(description="All models that were used.")
    vocabulary: str = Field(examples=["subgenres"])
    vocabulary_version: str = Field(examples=["1"])
    pooling: Pooling = Field(description="How the windows of a track become its score.")
    tracks_read: int = Field(description="The tracks that the scores are means of.", examples=[2])
    suggestions: list[ScoredTag] = Field(
        description="By descending mean score over the tracks that could be read. A genre counts "
        "as 0 on a track for which its subgenres are suggested."
    )
    tracks: list[PooledTrack] = Field(description="In the order of the form.")


class TaggramOut(TaggedTrack):
    """The answer of GET /taggram."""

    window_s: float = Field(description="Length of a window.", examples=[2.992])
    hop_s: float = Field(
        description="Time between two windows' starts; the last may start earlier, as it "
        "ends with the track.",
        examples=[2.992],
    )
    times_s: list[float] = Field(description="When each window starts.", examples=[[0.0, 2.992]])
    pooling: Pooling
    confidence: Confidence = Field(description="Of the whole track, as in POST /suggest-tags.")
    tags: list[str] = Field(
        description="By descending pooled score.", examples=[["ambient", "chillout"]]
    )
    labels: list[str] = Field(
        description="Display names of the tags, in English.", examples=[["Ambient", "Chillout"]]
    )
    levels: list[Level] = Field(description="As in POST /suggest-tags, of each tag.")
    scores: list[list[float]] = Field(
        description="Windows x tags, rows in time order.", examples=[[[0.31, 0.1], [0.33, 0.08]]]
    )
    mean_scores: list[float] = Field(
        description="Each tag's mean over these windows.", examples=[[0.32, 0.09]]
    )
    pooled_scores: list[float] = Field(
        description="Each tag's score over these windows, by `pooling`.", examples=[[0.32, 0.09]]
    )
    peaks: list[tuple[Peak, Peak]] | None = Field(
        description="With `include=peaks`, the waveform: the minimum and maximum sample of each "
        f"of {PEAK_PAIRS:,} equal stretches of the whole track, mixed to mono.",
        examples=[[(-0.512, 0.488), (-0.63, 0.701)]],
    )
