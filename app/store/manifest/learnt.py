"""What a training says of its model, as tables of the manifest."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.store.manifest.printable_words import checked_word
from app.store.manifest.tables import Table

RAW = "raw"
"""The name under which a model's own tags are asked for."""

Unit = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=0)]
Word = Annotated[str, AfterValidator(checked_word)]


def _not_raw(name: str) -> str:
    if name == RAW:
        raise ValueError(f"{RAW!r} is the name of each model's own tags; choose another")
    return name


class LearntVocabulary(Table):
    """The vocabulary whose tags the raw tags are, word by word.

    `version` and `description` are those of a vocabulary that only models bring along; without a
    version it is the model's. `unheard`: tags without an example in training, for which the model
    does not speak.
    """

    name: Annotated[Word, AfterValidator(_not_raw)]
    version: Word | None = None
    description: str
    unheard: tuple[str, ...] = ()


class Thresholds(Table):
    """From which mean score over a track on a tag is right in a share `precision` of tracks.

    They were chosen on validation. A tag that never is so often right has none.
    """

    precision: Annotated[float, Field(gt=0, le=1)]
    scores: dict[str, Unit]


class Calibration(Table):
    """Whether a score is a probability: for bins of scores, how often the tag was right.

    `expected_error` is the mean distance of `scores` and `frequencies`, weighted by `counts`.
    """

    scores: tuple[Unit, ...]
    frequencies: tuple[Unit, ...]
    counts: tuple[Number, ...]
    expected_error: Unit

    @model_validator(mode="after")
    def _bins_meet(self) -> Self:
        if not len(self.scores) == len(self.frequencies) == len(self.counts):
            raise ValueError("scores, frequencies, counts: not one of each for each bin")
        return self


class TagEvaluation(Table):
    """One tag's figures, and how many tracks of the test set have it."""

    roc_auc: Unit
    pr_auc: Unit
    positives: Number


class Evaluation(Table):
    """Figures that were published, or measured, on a test set.

    Intervals hold the figure in 95 of 100 cases. `split` says how the tracks were parted, and
    `fingerprint` is that of the whole split. `tags` has none that could not be measured.
    """

    dataset: str
    roc_auc: Unit
    pr_auc: Unit
    roc_auc_interval: tuple[Unit, Unit] | None = None
    pr_auc_interval: tuple[Unit, Unit] | None = None
    split: str | None = None
    fingerprint: Sha256 | None = None
    tracks: Number | None = None
    tags: dict[str, TagEvaluation] = Field(default_factory=dict)
