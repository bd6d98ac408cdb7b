"""Tables of the manifest with the results of a training."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.store.manifest.printable_words import checked_word
from app.store.manifest.tables import Table

RAW = "raw"
"""The vocabulary name of a model's own tags."""

Unit = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=0)]
Word = Annotated[str, AfterValidator(checked_word)]


def _not_raw(name: str) -> str:
    if name == RAW:
        raise ValueError(f"{RAW!r} is the name of each model's own tags; choose another name")
    return name


class TrainedVocabulary(Table):
    """The vocabulary whose tags are the raw tags of the model.

    Attributes:
        name: Its name.
        version: The version of a vocabulary that only models define; by default the model's.
        description: The description of such a vocabulary.
        unheard: Tags without an example in training, whose scores are not used.
    """

    name: Annotated[Word, AfterValidator(_not_raw)]
    version: Word | None = None
    description: str
    unheard: tuple[str, ...] = ()


class Thresholds(Table):
    """Thresholds for mean scores over a track, chosen on the validation set.

    Attributes:
        precision: The precision that they reach.
        scores: The threshold of each tag; tags that never reach the precision have none.
    """

    precision: Annotated[float, Field(gt=0, le=1)]
    scores: dict[str, Unit]


class Calibration(Table):
    """A calibration curve: for bins of scores, how often the tag was right.

    Attributes:
        scores: The mean score of each bin.
        frequencies: The share of each bin in which the tag was right.
        counts: The number of scores in each bin.
        expected_error: The mean distance of `scores` and `frequencies`, weighted by `counts`.
    """

    scores: tuple[Unit, ...]
    frequencies: tuple[Unit, ...]
    counts: tuple[Number, ...]
    expected_error: Unit

    @model_validator(mode="after")
    def _check_bins(self) -> Self:
        if not len(self.scores) == len(self.frequencies) == len(self.counts):
            raise ValueError(
                "scores, frequencies, counts: their lengths differ; expected one of each per bin"
            )
        return self


class TagEvaluation(Table):
    """The metrics of one tag, and the number of tracks in the test set that have it."""

    roc_auc: Unit
    pr_auc: Unit
    positives: Number


class Evaluation(Table):
    """Metrics on a test set, published or measured.

    Attributes:
        dataset: The name of the test set.
        roc_auc: ROC-AUC, the mean over tags.
        pr_auc: PR-AUC, the mean over tags.
        roc_auc_interval: 95 % confidence interval of `roc_auc`.
        pr_auc_interval: 95 % confidence interval of `pr_auc`.
        split: How the tracks were split.
        fingerprint: The SHA-256 of the split.
        tracks: The number of tracks in the test set.
        tags: The metrics of each tag that could be measured.
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


class BaseRates(Table):
    """The share of the training data that has each raw tag, and the source of these figures."""

    source: Annotated[str, Field(min_length=1)]
    rates: tuple[Annotated[float, Field(ge=1e-6, lt=1)], ...]
