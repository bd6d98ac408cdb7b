"""Figures of an evaluation, as they are kept in `evaluation.json` and shown in reports."""

from pydantic import Field

from app.store.manifest.tables import Table


class Interval(Table):
    """A figure with its 95 % bootstrap interval; none of them where it can't be measured."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Overall(Table):
    """How well scores meet tags, over all tags.

    Macro: the mean over tags that have positives and negatives. Micro: over all pairs of track (or
    chunk) and tag. Cosine: the mean similarity of scores and tags.
    """

    roc_auc_macro: Interval
    roc_auc_micro: Interval
    pr_auc_macro: Interval
    pr_auc_micro: Interval
    cosine: Interval


class SongLevel(Table):
    """The same for whole songs.

    `pooling`: how windows became a song: `mean`, `majority`, `softmax` or `max`. `overlap`: the
    share of a window that the next one hears again.
    """

    pooling: str
    overlap: float = Field(ge=0, lt=1)
    overall: Overall


class TagFigures(Table):
    """One tag's, at song level by the mean.

    `threshold`: from which score on the wished precision is met, chosen on validation; none where
    no score meets it. `precision` and `recall` are what it gives on the part that is evaluated.
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
    """Whether a score is a probability: for bins of scores, how often the tag was right.

    `scores` and `frequencies` are means of the bins that hold something, `counts` how much.
    `expected_error` is the mean distance of the two, weighted by count (Guo et al. 2017,
    arXiv:1706.04599).
    """

    scores: tuple[float, ...]
    frequencies: tuple[float, ...]
    counts: tuple[int, ...]
    expected_error: float


class Evaluation(Table):
    """A model on one part of a split.

    `accuracy_at_k` and `soft_accuracy_at_k`: for K = 1, 2, ... the share of songs of which all (at
    least one) of their tags are among the K highest (the thesis, 10.3 and 10.4). `confusion`: of
    10.2, rows are what was predicted, columns what is true; each column sums to 1, or is of zeros
    where no song has the tag. `left_out`: tags that can't be measured, with the reason.
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
    left_out: dict[str, str] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)

    @property
    def song(self) -> Overall:
        """Windows side by side, by the mean: what others report."""
        return next(
            each.overall for each in self.songs if each.pooling == "mean" and not each.overlap
        )
