"""All figures of a model on a part of a split, as a file.

windows side by side --> chunk level; by their mean: tags, ranks, confusion, calibration
windows that overlap --> song level, by each pooling
validation           --> thresholds
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.datasets.tracks import Split, Subset
from app.domain import Scores
from app.errors import SetupError
from app.evaluation.bootstrap import CHUNK_DRAWS, LabeledScores, drawn, interval, measured
from app.evaluation.figures import Evaluation, SongLevel, TagFigures
from app.evaluation.metrics import (
    BootstrapCounts,
    Labels,
    accuracy_at_k,
    calibration,
    confusion,
    roc_pr_auc,
    threshold,
)
from app.evaluation.scoring import Scored
from app.files import write_atomically
from app.paths import read_file, reason
from app.store.manifest.tables import validate
from app.tagging.pooling import Pooling, pool
from app.text import csv_cell

LARGEST = 64 * 2**20
"""Bytes of a file of figures."""

MAX = "max"
"""The highest of all windows: what is heard once is in the song. The service does not pool so."""

POOLINGS = (*(pooling.value for pooling in Pooling), MAX)

Score = Callable[[Subset, float], Scored]
"""Scores a part of the split, in windows of which so large a share is heard again by the next."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        split: Whose tracks.
        part: Which of them.
        overlaps: Of windows, each from 0 to below 1; 0 is measured in any case.
        precision: Wished of a tag's threshold, above 0 and at most 1.
    """

    split: Split
    part: Subset
    overlaps: tuple[float, ...]
    precision: float

    def __post_init__(self) -> None:
        if self.part is Subset.UNLABELLED:
            raise SetupError(f"{self.part}: without tags there is nothing to hold scores against")
        for overlap in self.overlaps:
            if not 0 <= overlap < 1:
                raise SetupError(f"overlap {overlap:g}: say a share of a window, 0 to below 1")
        if not 0 < self.precision <= 1:
            raise SetupError(f"precision {self.precision:g}: say a share, above 0 and at most 1")


def evaluate(plan: Plan, model: str, score: Score) -> Evaluation:
    """Measure a model; thousands of songs take a minute beside the hearing.

    Args:
        plan: What to measure.
        model: Its name, as the figures are to bear it.
        score: Has it hear.

    Raises:
        SetupError: No track of the part has any of the tags.
    """
    plain = score(plan.part, 0.0)
    if not plain.y_true.any():
        raise SetupError(
            f"{plan.split.name}: no track of the part {plan.part} has a tag that {model} can give"
        )
    songs, draws = pooled(plain, Pooling.MEAN), drawn(len(plain.ids))
    thresholds, lacking = _thresholds(plan, score)
    accuracy = accuracy_at_k(plain.y_true, songs)
    return Evaluation(
        model=model,
        task=plan.split.task,
        split=plan.split.name,
        part=plan.part,
        fingerprint=plan.split.fingerprint,
        tracks=len(plain.ids),
        chunks=sum(map(len, plain.windows)),
        preferred_precision=plan.precision,
        chunk=measured(_chunks(plain), draws[: 1 + CHUNK_DRAWS]).overall,
        songs=tuple(_song_levels(plan, score, plain, draws)),
        tags=tuple(_tags(plan.split, plain, songs, draws, thresholds)),
        accuracy_at_k=tuple(accuracy.every.tolist()),
        soft_accuracy_at_k=tuple(accuracy.any.tolist()),
        confusion=tuple(map(tuple, confusion(plain.y_true, songs).tolist())),
        calibration=calibration(plain.y_true, songs),
        left_out=plain.left_out | _unmeasurable(plain, plan.part),
        skipped=lacking | plain.skipped,
    )


def pooled(scored: Scored, pooling: str) -> Scores:
    """Each song's scores, (tracks, tags), by one of `POOLINGS`."""
    if pooling == MAX:
        return np.stack([windows.max(axis=0) for windows in scored.windows])
    return np.stack([pool(windows, Pooling(pooling)) for windows in scored.windows])


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write figures, whole or not at all.

    Raises:
        SetupError: They can't be written.
    """
    write_atomically(path, evaluation.model_dump_json(indent=1).encode() + b"\n")


def read_evaluation(path: Path) -> Evaluation:
    """Read figures.

    Raises:
        SetupError: They can't be read, or something else is there.
    """
    try:
        values = json.loads(read_file(path, LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise SetupError(f"{path}: these figures can't be read: {reason(error)}") from error
    if not isinstance(values, dict):
        raise SetupError(f"{path}: these are no figures that `taggram evaluate` wrote")
    return validate(Evaluation, values, str(path))


def write_scores(path: Path, scored: Scored) -> None:
    """Write the songs' scores by the mean as CSV: a row a track, a column a tag.

    Raises:
        SetupError: They can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["track_id", *map(csv_cell, scored.tags)])
    for track_id, scores in zip(scored.ids, pooled(scored, Pooling.MEAN), strict=True):
        writer.writerow([track_id, *(f"{score:.6f}" for score in scores)])
    write_atomically(path, text.getvalue().encode())


def _chunks(scored: Scored) -> LabeledScores:
    owners = np.repeat(np.arange(len(scored.ids)), [len(windows) for windows in scored.windows])
    return LabeledScores(scored.y_true[owners], np.concatenate(scored.windows), owners)


def _songs(scored: Scored, songs: Scores) -> LabeledScores:
    return LabeledScores(scored.y_true, songs, np.arange(len(scored.ids)))


def _song_levels(
    plan: Plan, score: Score, plain: Scored, draws: BootstrapCounts
) -> Iterator[SongLevel]:
    for overlap in sorted({0.0, *plan.overlaps}):
        scored = score(plan.part, overlap) if overlap else plain
        for pooling in POOLINGS:
            labeled = _songs(scored, pooled(scored, pooling))
            overall = measured(labeled, draws).overall
            yield SongLevel(pooling=pooling, overlap=overlap, overall=overall)


def _thresholds(plan: Plan, score: Score) -> tuple[dict[str, float | None], dict[str, str]]:
    """Each tag's, chosen on validation, and the tracks that lack there; none where no part is."""
    if not plan.split.part(Subset.VALIDATION):
        return {}, {}
    scored = score(Subset.VALIDATION, 0.0)
    columns = zip(scored.tags, scored.y_true.T, pooled(scored, Pooling.MEAN).T, strict=True)
    chosen = {tag: threshold(hits, scores, plan.precision) for tag, hits, scores in columns}
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
        hits, scores = labeled.y_true[:, index], labeled.scores[:, index]
        measure = roc_pr_auc(hits, scores, draws, labeled.owners)
        lowest = thresholds.get(tag)
        precision, recall = (None, None) if lowest is None else _above(lowest, hits, scores)
        yield TagFigures(
            tag=tag,
            positives=int(hits.sum()),
            train_positives=trained[tag],
            roc_auc=interval(measure.roc),
            pr_auc=interval(measure.pr),
            threshold=lowest,
            precision=precision,
            recall=recall,
        )


def _above(lowest: float, hits: Labels, scores: Scores) -> tuple[float | None, float | None]:
    """Precision and recall of the scores from a threshold on."""
    chosen = scores >= lowest
    right = int((hits & chosen).sum())
    return (
        right / int(chosen.sum()) if chosen.any() else None,
        right / int(hits.sum()) if hits.any() else None,
    )


def _unmeasurable(scored: Scored, part: Subset) -> dict[str, str]:
    """Tags of which there are no positives, or no negatives."""
    shares = dict(zip(scored.tags, scored.y_true.mean(axis=0), strict=True))
    none = {tag: f"no track of the part {part} has it" for tag in shares if shares[tag] == 0}
    return none | {
        tag: f"all tracks of the part {part} have it" for tag in shares if shares[tag] == 1
    }
