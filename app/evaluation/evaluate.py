"""Compute all figures of a model on a part of a split.

adjacent windows    --> chunk level; pooled by the mean: tags, ranks, confusion, calibration
overlapping windows --> song level, by each pooling
validation part     --> thresholds
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from app.datasets.tracks import Split, Subset
from app.domain import Scores
from app.errors import SetupError
from app.evaluation.bootstrap import CHUNK_DRAWS, LabeledScores, draw_counts, interval, measure
from app.evaluation.curve_areas import BootstrapCounts, roc_pr_auc
from app.evaluation.figures import Evaluation, SongLevel, TagFigures
from app.evaluation.metrics import (
    Labels,
    accuracy_at_k,
    calibration,
    confusion,
    threshold,
)
from app.evaluation.scoring import Scored
from app.tagging.pooling import Pooling, pool

MAX = "max"
"""The maximum over all windows; the service does not have this pooling."""

POOLINGS = (*(pooling.value for pooling in Pooling), MAX)

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
    """

    split: Split
    part: Subset
    overlaps: tuple[float, ...]
    precision: float

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


def evaluate(plan: Plan, model: str, score: Score) -> Evaluation:
    """Evaluate a model; thousands of songs take a minute, in addition to the inference.

    Args:
        plan: What to measure.
        model: The model's name, for the figures.
        score: Scores a part with the model.

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
    return Evaluation(
        model=model,
        task=plan.split.task,
        split=plan.split.name,
        part=plan.part,
        fingerprint=plan.split.fingerprint,
        tracks=len(adjacent.ids),
        chunks=sum(map(len, adjacent.windows)),
        preferred_precision=plan.precision,
        chunk=measure(_chunks(adjacent), draws[: 1 + CHUNK_DRAWS]).overall,
        songs=tuple(_song_levels(plan, score, adjacent, draws)),
        tags=tuple(_tags(plan.split, adjacent, songs, draws, thresholds)),
        accuracy_at_k=tuple(accuracy.every.tolist()),
        soft_accuracy_at_k=tuple(accuracy.any.tolist()),
        confusion=tuple(map(tuple, confusion(adjacent.y_true, songs).tolist())),
        calibration=calibration(adjacent.y_true, songs),
        left_out=adjacent.left_out | _unmeasurable(adjacent, plan.part),
        skipped=missing | adjacent.skipped,
    )


def pool_windows(scored: Scored, pooling: str) -> Scores:
    """Return each song's scores, (tracks, tags), pooled over windows by one of `POOLINGS`."""
    if pooling == MAX:
        return np.stack([windows.max(axis=0) for windows in scored.windows])
    return np.stack([pool(windows, Pooling(pooling)) for windows in scored.windows])


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
        for pooling in POOLINGS:
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
