"""Compute all figures of a model on a part of a split.

adjacent windows    --> chunk level, and pooled by the mean song level: tags, ranks, confusion,
                        calibration of both
overlapping windows --> song level, by each pooling
validation part     --> thresholds
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.datasets.tracks import Split, Subset
from app.domain import Samples, Scores
from app.errors import SetupError
from app.evaluation.bootstrap import (
    CHUNK_DRAWS,
    LabeledScores,
    Measured,
    draw_counts,
    interval,
    measure,
)
from app.evaluation.curve_areas import BootstrapCounts, roc_pr_auc
from app.evaluation.figures import Evaluation, LevelFigures, SongLevel, TagFigures
from app.evaluation.metrics import (
    Labels,
    accuracy_at_k,
    calibration,
    confusion,
    threshold,
)
from app.evaluation.scoring import Scored
from app.tagging.pooling import Pooling, majority, pool

MAX = "max"
"""The maximum over all windows; the service does not have this pooling."""

POOLINGS = (*(pooling.value for pooling in Pooling), MAX)

MAJORITY_TOP = "majority_top"
"""The prefix of the name of a majority vote for K tags, such as `majority_top3`."""

Score = Callable[[Subset, float], Scored]
"""Scores a part of the split, in windows that overlap by the given share."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        split: The split.
        part: The part to evaluate.
        overlaps: Overlaps of windows, each from 0 to below 1; 0 is always measured.
        precision: The target precision of the tags' thresholds, above 0 and at most 1.
        majority_k: The numbers of tags that a window votes for in further majority votes, each at
            least 1.
    """

    split: Split
    part: Subset
    overlaps: tuple[float, ...]
    precision: float
    majority_k: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.part is Subset.UNLABELLED:
            raise SetupError(f"the part {self.part} can't be evaluated, as its tracks have no tags")
        for overlap in self.overlaps:
            if not 0 <= overlap < 1:
                raise SetupError(f"overlap {overlap:g}: expected a share of a window, 0 to below 1")
        if not 0 < self.precision <= 1:
            raise SetupError(
                f"precision {self.precision:g}: expected a share, above 0 and at most 1"
            )
        for k in self.majority_k:
            if k < 1:
                raise SetupError(f"majority of {k} tags: expected at least 1")

    @property
    def poolings(self) -> tuple[str, ...]:
        """Return the names of all poolings to measure, each once."""
        votes = (f"{MAJORITY_TOP}{k}" for k in self.majority_k)
        return tuple(dict.fromkeys((*POOLINGS, *votes)))


def evaluate(plan: Plan, model: str, score: Score, architecture: str | None = None) -> Evaluation:
    """Evaluate a model; thousands of songs take a minute, in addition to the inference.

    Args:
        plan: What to measure.
        model: The model's name, for the figures.
        score: Scores a part with the model.
        architecture: The name of its architecture, for the figures.

    Returns:
        The figures.

    Raises:
        SetupError: No track of the part has any of the tags.
    """
    adjacent = score(plan.part, 0.0)
    if not adjacent.y_true.any():
        raise SetupError(
            f"{plan.split.name}: no track of the part {plan.part} has a tag that {model} can "
            "predict"
        )
    songs, draws = pool_windows(adjacent, Pooling.MEAN), draw_counts(len(adjacent.ids))
    thresholds, missing = _thresholds(plan, score)
    accuracy = accuracy_at_k(adjacent.y_true, songs)
    chunks = _chunks(adjacent)
    measured = measure(chunks, draws[: 1 + CHUNK_DRAWS])
    return Evaluation(
        model=model,
        task=plan.split.task,
        split=plan.split.name,
        part=plan.part,
        fingerprint=plan.split.fingerprint,
        tracks=len(adjacent.ids),
        chunks=sum(map(len, adjacent.windows)),
        preferred_precision=plan.precision,
        chunk=measured.overall,
        chunk_level=_chunk_level(adjacent.tags, chunks, measured),
        songs=tuple(_song_levels(plan, score, adjacent, draws)),
        tags=tuple(_tags(plan.split, adjacent, songs, draws, thresholds)),
        accuracy_at_k=tuple(accuracy.every.tolist()),
        soft_accuracy_at_k=tuple(accuracy.any.tolist()),
        confusion=tuple(map(tuple, confusion(adjacent.y_true, songs).tolist())),
        calibration=calibration(adjacent.y_true, songs),
        architecture=architecture,
        left_out=adjacent.left_out | _unmeasurable(adjacent, plan.part),
        skipped=missing | adjacent.skipped,
    )


def pool_windows(scored: Scored, pooling: str) -> Scores:
    """Return each song's scores, (tracks, tags), pooled over windows by one of `Plan.poolings`."""
    return np.stack([_pool(windows, pooling) for windows in scored.windows])


def _pool(windows: Scores, pooling: str) -> Samples:
    if pooling == MAX:
        highest: Samples = windows.max(axis=0)
        return highest
    if pooling.startswith(MAJORITY_TOP):
        return majority(windows, int(pooling.removeprefix(MAJORITY_TOP)))
    return pool(windows, Pooling(pooling))


def _chunk_level(tags: Sequence[str], chunks: LabeledScores, measured: Measured) -> LevelFigures:
    """Return the figures of single windows, which have the labels of their track."""
    accuracy = accuracy_at_k(chunks.y_true, chunks.scores)
    counts = chunks.y_true.sum(axis=0).tolist()
    return LevelFigures(
        tags=tuple(
            TagFigures(
                tag=tag, positives=count, roc_auc=interval(areas.roc), pr_auc=interval(areas.pr)
            )
            for tag, count, areas in zip(tags, counts, measured.tags, strict=True)
        ),
        accuracy_at_k=tuple(accuracy.every.tolist()),
        soft_accuracy_at_k=tuple(accuracy.any.tolist()),
        confusion=tuple(map(tuple, confusion(chunks.y_true, chunks.scores).tolist())),
        calibration=calibration(chunks.y_true, chunks.scores),
    )


def _chunks(scored: Scored) -> LabeledScores:
    owners = np.repeat(np.arange(len(scored.ids)), [len(windows) for windows in scored.windows])
    return LabeledScores(scored.y_true[owners], np.concatenate(scored.windows), owners)


def _songs(scored: Scored, songs: Scores) -> LabeledScores:
    return LabeledScores(scored.y_true, songs, np.arange(len(scored.ids)))


def _song_levels(
    plan: Plan, score: Score, adjacent: Scored, draws: BootstrapCounts
) -> Iterator[SongLevel]:
    for overlap in sorted({0.0, *plan.overlaps}):
        scored = score(plan.part, overlap) if overlap else adjacent
        for pooling in plan.poolings:
            labeled = _songs(scored, pool_windows(scored, pooling))
            overall = measure(labeled, draws).overall
            yield SongLevel(pooling=pooling, overlap=overlap, overall=overall)


def _thresholds(plan: Plan, score: Score) -> tuple[dict[str, float | None], dict[str, str]]:
    """Choose each tag's threshold on the validation part, if any; also return skipped tracks."""
    if not plan.split.part(Subset.VALIDATION):
        return {}, {}
    scored = score(Subset.VALIDATION, 0.0)
    columns = zip(scored.tags, scored.y_true.T, pool_windows(scored, Pooling.MEAN).T, strict=True)
    chosen = {tag: threshold(labels, scores, plan.precision) for tag, labels, scores in columns}
    return chosen, scored.skipped


def _tags(
    split: Split,
    scored: Scored,
    songs: Scores,
    draws: BootstrapCounts,
    thresholds: Mapping[str, float | None],
) -> Iterator[TagFigures]:
    trained = Counter(tag for each in split.part(Subset.TRAIN) for tag in each.track.tags)
    labeled = _songs(scored, songs)
    for index, tag in enumerate(scored.tags):
        labels, scores = labeled.y_true[:, index], labeled.scores[:, index]
        areas = roc_pr_auc(labels, scores, draws, labeled.owners)
        lowest = thresholds.get(tag)
        precision, recall = (None, None) if lowest is None else _above(lowest, labels, scores)
        yield TagFigures(
            tag=tag,
            positives=int(labels.sum()),
            train_positives=trained[tag],
            roc_auc=interval(areas.roc),
            pr_auc=interval(areas.pr),
            threshold=lowest,
            precision=precision,
            recall=recall,
        )


def _above(lowest: float, labels: Labels, scores: Scores) -> tuple[float | None, float | None]:
    """Return precision and recall of scores at or above a threshold."""
    chosen = scores >= lowest
    correct = int((labels & chosen).sum())
    return (
        correct / int(chosen.sum()) if chosen.any() else None,
        correct / int(labels.sum()) if labels.any() else None,
    )


def _unmeasurable(scored: Scored, part: Subset) -> dict[str, str]:
    """Return the tags without positives or without negatives, with the reason."""
    shares = dict(zip(scored.tags, scored.y_true.mean(axis=0), strict=True))
    none = {tag: f"no track of the part {part} has it" for tag in shares if shares[tag] == 0}
    return none | {
        tag: f"all tracks of the part {part} have it" for tag in shares if shares[tag] == 1
    }
