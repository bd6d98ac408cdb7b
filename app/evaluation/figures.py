"""Figures of an evaluation, as stored in `evaluation.json` and shown in reports."""

from collections.abc import Iterable

from pydantic import Field

from app.store.manifest.tables import Table


class Interval(Table):
    """A figure with its 95 % bootstrap interval; all None if it can't be measured."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Overall(Table):
    """Figures over all tags.

    Macro: the mean over tags that have positives and negatives. Micro: over all pairs of track (or
    chunk) and tag. Cosine: the mean similarity of scores and tags.
    """

    roc_auc_macro: Interval
    roc_auc_micro: Interval
    pr_auc_macro: Interval
    pr_auc_micro: Interval
    cosine: Interval


class SongLevel(Table):
    """Figures of whole songs over all tags.

    `pooling`: how windows are pooled: one of `app.tagging.pooling.Pooling`, `max`, or
    `majority_topK` for a vote of K tags a window. `overlap`: the share of a window that overlaps
    with the next one.
    """

    pooling: str
    overlap: float = Field(ge=0, lt=1)
    overall: Overall


class TagFigures(Table):
    """Figures of one tag, for whole songs pooled by the mean, or for chunks.

    `positives`: the number of songs (or chunks) with the tag. `threshold`: the lowest score of a
    song that reaches the target precision, chosen on validation; None if no score reaches it.
    `precision` and `recall` are those at the threshold on the evaluated part.
    """

    tag: str
    positives: int
    train_positives: int | None = None
    roc_auc: Interval
    pr_auc: Interval
    threshold: float | None = None
    precision: float | None = None
    recall: float | None = None


class Calibration(Table):
    """Whether scores are probabilities: for bins of scores, how often the tag was correct.

    `scores` and `frequencies` are means of the non-empty bins, `counts` their sizes.
    `expected_error` is the mean distance of the two, weighted by count (Guo et al. 2017,
    arXiv:1706.04599).
    """

    scores: tuple[float, ...]
    frequencies: tuple[float, ...]
    counts: tuple[int, ...]
    expected_error: float


class LevelFigures(Table):
    """Figures of all tags at one level: of whole songs, or of chunks.

    `accuracy_at_k` and `soft_accuracy_at_k`: for K = 1, 2, ... the share of songs (chunks) with all
    (at least one) of their tags among the K highest scores (the thesis, 10.3 and 10.4).
    `confusion`: that of 10.2, with rows of predicted and columns of true tags; each column sums to
    1, or is 0 if no song has the tag.
    """

    tags: tuple[TagFigures, ...]
    accuracy_at_k: tuple[float, ...]
    soft_accuracy_at_k: tuple[float, ...]
    confusion: tuple[tuple[float, ...], ...]
    calibration: Calibration


class Evaluation(Table):
    """Figures of a model on one part of a split.

    `tags`, `accuracy_at_k`, `soft_accuracy_at_k`, `confusion` and `calibration`: those of whole
    songs, see `LevelFigures`. `chunk_level`: the same of chunks, which have the labels of their
    song. `architecture`: the name of the model's. Both are None in files of earlier releases.
    `left_out`: by tag that can't be measured, the reason.
    """

    model: str
    task: str
    split: str
    part: str
    fingerprint: str
    tracks: int
    chunks: int
    preferred_precision: float
    chunk: Overall
    songs: tuple[SongLevel, ...]
    tags: tuple[TagFigures, ...]
    accuracy_at_k: tuple[float, ...]
    soft_accuracy_at_k: tuple[float, ...]
    confusion: tuple[tuple[float, ...], ...]
    calibration: Calibration
    chunk_level: LevelFigures | None = None
    architecture: str | None = None
    left_out: dict[str, str] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)

    @property
    def song(self) -> Overall:
        """Figures of adjacent windows pooled by the mean, as published elsewhere."""
        return next(
            each.overall for each in self.songs if each.pooling == "mean" and not each.overlap
        )

    @property
    def song_level(self) -> LevelFigures:
        """Figures of whole songs, with the fields of `chunk_level`."""
        return LevelFigures(
            tags=self.tags,
            accuracy_at_k=self.accuracy_at_k,
            soft_accuracy_at_k=self.soft_accuracy_at_k,
            confusion=self.confusion,
            calibration=self.calibration,
        )

    @property
    def measured_tags(self) -> frozenset[str]:
        """The tags that have figures."""
        return frozenset(each.tag for each in self.tags if each.pr_auc.value is not None)


def group_comparable(evaluations: Iterable[Evaluation]) -> list[list[Evaluation]]:
    """Group evaluations that measured the same tracks and tags."""
    groups: dict[tuple[object, ...], list[Evaluation]] = {}
    for each in evaluations:
        measured = (each.task, each.split, each.part, each.fingerprint, each.tracks)
        groups.setdefault((*measured, each.measured_tags), []).append(each)
    return list(groups.values())
