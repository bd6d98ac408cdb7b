"""Schemas of vocabularies and models."""

from pydantic import BaseModel, Field

from app.api.schemas.tags import TRACK_ID, ModelOut
from app.domain import Backend, Precision


class TagOut(BaseModel):
    """A tag of a vocabulary."""

    tag: str = Field(examples=["ambient"])
    labels: dict[str, str] = Field(
        description="Display names by language: English, and each language with a translation.",
        examples=[{"en": "Ambient"}],
    )
    parents: list[str] = Field(
        description="Genres that the tag belongs to: names of `genres` or of other tags.",
        examples=[["electronic"]],
    )
    covered: bool = Field(
        description="Whether a model can predict it; other tags are never suggested."
    )
    heard_as: dict[str, list[str]] = Field(
        description="Raw tags with the same meaning, by model. If a model was trained on the "
        "vocabulary, only that model predicts the tag.",
        examples=[{"msd-musicnn": ["ambient"], "mtt-musicnn": ["ambient", "new age"]}],
    )


class VocabularyOut(BaseModel):
    """A vocabulary."""

    name: str = Field(examples=["subgenres"])
    version: str = Field(examples=["1"])
    description: str = Field(examples=["Finer musical styles below the level of broad genres."])
    models: list[ModelOut] = Field(description="The models that are used if a request names none.")
    tags: list[TagOut]
    genres: list[TagOut] = Field(
        description="Genres that are suggested if none of their subgenres fits as well."
    )


class EvaluationOut(BaseModel):
    """Published or measured figures of a model."""

    dataset: str = Field(examples=["MagnaTagATune, full split, 50 most used tags"])
    roc_auc: float = Field(examples=[0.9067])
    pr_auc: float = Field(examples=[0.3831])
    roc_auc_interval: tuple[float, float] | None = Field(
        description="95 % confidence interval; null if it was not measured.",
        examples=[(0.8981, 0.9144)],
    )
    pr_auc_interval: tuple[float, float] | None = Field(
        description="As for ROC-AUC.", examples=[(0.3612, 0.4077)]
    )
    split: str | None = Field(
        description="How the tracks were split; null if unknown.",
        examples=["artists, seed 1"],
    )
    fingerprint: str | None = Field(
        description="SHA-256 of the split: figures of the same split can be compared.",
        examples=[TRACK_ID],
    )
    tracks: int | None = Field(description="Number of tracks in the test set.", examples=[2104])


class ThresholdsOut(BaseModel):
    """The score of each tag from which a target precision is reached."""

    precision: float = Field(
        description="The target precision, measured on the validation set.",
        examples=[0.8],
    )
    scores: dict[str, float] = Field(
        description="By raw tag, the lowest mean score over a track that reaches the precision; "
        "tags that never reach it are left out.",
        examples=[{"ambient": 0.41, "techno": 0.28}],
    )


class CalibrationOut(BaseModel):
    """Calibration of the scores: for bins of scores, how often the tag was right."""

    scores: list[float] = Field(description="Mean score of each bin.", examples=[[0.04, 0.55]])
    frequencies: list[float] = Field(
        description="Share of pairs in each bin in which the tag was right.",
        examples=[[0.03, 0.61]],
    )
    counts: list[int] = Field(
        description="Pairs of track and tag in each bin.", examples=[[9120, 211]]
    )
    expected_error: float = Field(
        description="Expected calibration error: mean distance of score and frequency, weighted by "
        "count.",
        examples=[0.0111],
    )


class ConfidenceOut(BaseModel):
    """When a track gets `confidence: low`."""

    radii: dict[str, float] = Field(
        description="By kind of audio that is not music: the distance from its typical scores "
        "within which confidence is low, unless a classifier finds the track to be music.",
        examples=[{"noise": 0.27, "tones": 0.41, "speech": 0.22}],
    )


class LoadedModel(BaseModel):
    """A loaded model."""

    name: str = Field(examples=["msd-musicnn"])
    version: str = Field(examples=["1"])
    default: bool = Field(description="Whether `vocabulary=raw` uses it if a request names none.")
    summary: str = Field(examples=["MusiCNN, trained on the Million Song Dataset."])
    architecture: str = Field(
        examples=["musicnn"], description="`imported` for a network of another project."
    )
    backbone: str | None = Field(
        description="The model with the embedding that it scores; null for other models.",
        examples=["discogs-effnet"],
    )
    in_memory: bool = Field(
        description="Whether it is in memory; otherwise it is loaded on use, in a few seconds."
    )
    engine: Backend | None = Field(
        description="The inference engine; null before the model is loaded."
    )
    precision: Precision | None = Field(
        description="The arithmetic precision; null before the model is loaded."
    )
    sample_rate: int = Field(examples=[16000])
    channels: int = Field(
        description="The channels that a track is mixed to: 1 for mono, 2 for stereo.", examples=[1]
    )
    window_s: float = Field(examples=[2.992])
    hop_s: float = Field(examples=[2.992])
    tags: list[str] = Field(examples=[["rock", "pop"]])
    vocabulary: str | None = Field(
        description="The vocabulary that it was trained on; null if its tags belong to no "
        "vocabulary.",
        examples=["subgenres"],
    )
    confidence: ConfidenceOut | None = Field(description="Null if it was not measured.")
    evaluation: EvaluationOut | None = Field(description="Null if there are no figures.")
    thresholds: ThresholdsOut | None = Field(description="Null if none were chosen.")
    calibration: CalibrationOut | None = Field(description="Null if it was not measured.")
    weights_sha256: str = Field(examples=[TRACK_ID])
    licence: str = Field(examples=["ISC"])
    commercial_use: bool | None = Field(
        description="Whether the licence allows commercial use; null if that is not stated."
    )
    citation: str = Field(examples=["J. Pons and X. Serra: musicnn. ISMIR, 2019."])
    url: str = Field(
        description="Where the model is from.", examples=["https://github.com/jordipons/musicnn"]
    )
