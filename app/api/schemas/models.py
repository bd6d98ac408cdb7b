"""What goes out over HTTP about vocabularies and models."""

from pydantic import BaseModel, Field

from app.api.schemas.tags import TRACK_ID, ModelOut
from app.domain import Backend, Precision


class TagOut(BaseModel):
    """A tag of a vocabulary."""

    tag: str = Field(examples=["ambient"])
    labels: dict[str, str] = Field(
        description="How it is shown, by language: in English, and in those where it differs.",
        examples=[{"en": "Ambient"}],
    )
    parents: list[str] = Field(
        description="The genres that it belongs to: names of `genres` or of other tags.",
        examples=[["electronic"]],
    )
    covered: bool = Field(
        description="Whether a model that is asked can give it; others never come."
    )
    heard_as: dict[str, list[str]] = Field(
        description="The raw tags that mean it, by model. Where a model was trained on the "
        "vocabulary, the tag is that model's alone.",
        examples=[{"msd-musicnn": ["ambient"], "mtt-musicnn": ["ambient", "new age"]}],
    )


class VocabularyOut(BaseModel):
    """A vocabulary."""

    name: str = Field(examples=["subgenres"])
    version: str = Field(examples=["1"])
    description: str = Field(examples=["Finer musical styles below the level of broad genres."])
    models: list[ModelOut] = Field(
        description="The models that it asks where a request names none."
    )
    tags: list[TagOut]
    genres: list[TagOut] = Field(
        description="Genres that are suggested where none of their subgenres fits as well."
    )


class EvaluationOut(BaseModel):
    """Figures that were published or measured."""

    dataset: str = Field(examples=["MagnaTagATune, full split, 50 most used tags"])
    roc_auc: float = Field(examples=[0.9067])
    pr_auc: float = Field(examples=[0.3831])
    roc_auc_interval: tuple[float, float] | None = Field(
        description="Holds the figure in 95 of 100 cases; none where nobody measured it.",
        examples=[(0.8981, 0.9144)],
    )
    pr_auc_interval: tuple[float, float] | None = Field(
        description="As for ROC-AUC.", examples=[(0.3612, 0.4077)]
    )
    split: str | None = Field(
        description="How the tracks were parted; none where that was not said.",
        examples=["artists, seed 1"],
    )
    fingerprint: str | None = Field(
        description="SHA-256 of the whole split: figures of one split can be compared.",
        examples=[TRACK_ID],
    )
    tracks: int | None = Field(description="In the test set.", examples=[2104])


class ThresholdsOut(BaseModel):
    """From which score on a tag can be trusted."""

    precision: float = Field(
        description="The share of tracks on which it was right there, on validation.",
        examples=[0.8],
    )
    scores: dict[str, float] = Field(
        description="Of a raw tag, the lowest mean score over a track; a tag that is never so "
        "often right has none.",
        examples=[{"ambient": 0.41, "techno": 0.28}],
    )


class CalibrationOut(BaseModel):
    """Whether a score is a probability: for bins of scores, how often the tag was right."""

    scores: list[float] = Field(description="Mean score of each bin.", examples=[[0.04, 0.55]])
    frequencies: list[float] = Field(
        description="The share in which the tag was right.", examples=[[0.03, 0.61]]
    )
    counts: list[int] = Field(description="Pairs of track and tag.", examples=[[9120, 211]])
    expected_error: float = Field(
        description="Mean distance of the two, weighted by count.", examples=[0.0111]
    )


class ConfidenceOut(BaseModel):
    """When an answer is `confidence: low`."""

    radii: dict[str, float] = Field(
        description="By kind of what is not music, the distance from its typical scores within "
        "which a track is doubted, unless it is nearer to music.",
        examples=[{"noise": 0.27, "tones": 0.41, "speech": 0.22}],
    )


class LoadedModel(BaseModel):
    """A model that answers."""

    name: str = Field(examples=["msd-musicnn"])
    version: str = Field(examples=["1"])
    default: bool = Field(description="Whether `vocabulary=raw` asks it unless told otherwise.")
    summary: str
    architecture: str = Field(examples=["musicnn"])
    in_memory: bool = Field(
        description="Whether it answers at once; otherwise it is loaded first, in a few seconds."
    )
    engine: Backend | None = Field(description="What computes it; none before it was loaded.")
    precision: Precision | None = Field(description="In which arithmetic; none likewise.")
    sample_rate: int = Field(examples=[16000])
    window_s: float = Field(examples=[2.992])
    hop_s: float = Field(examples=[2.992])
    tags: list[str] = Field(examples=[["rock", "pop"]])
    vocabulary: str | None = Field(
        description="The one that it was trained on, whose tags its own are; none where they "
        "are words of their own.",
        examples=["subgenres"],
    )
    confidence: ConfidenceOut | None = Field(description="None where it was not measured.")
    evaluation: EvaluationOut | None = Field(description="None where there are no figures.")
    thresholds: ThresholdsOut | None = Field(description="None where nobody chose them.")
    calibration: CalibrationOut | None = Field(description="None where nobody measured it.")
    weights_sha256: str = Field(examples=[TRACK_ID])
    licence: str = Field(examples=["ISC"])
    citation: str
    url: str
