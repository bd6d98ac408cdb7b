"""Tables of a model's figures."""

from collections import Counter

from scipy.stats import binomtest

from app.evaluation.figures import Calibration, Evaluation, Interval, TagFigures
from app.evaluation.report.diagnosis import NOTE, diagnose
from app.evaluation.report.formatting import cell, count, number, percent
from app.evaluation.report.levels import Level
from app.report.blocks import Block, Cell, Grid, Prose

RANKS = (1, 2, 3, 5, 10, 20)
"""The values of K in the table; the chart has all."""


def tabulate_findings(evaluation: Evaluation) -> tuple[Block, ...]:
    """Return the diagnosis of each tag, and the skipped tracks."""
    found = tuple(tuple(map(Cell, finding)) for finding in diagnose(evaluation))
    skipped = Counter(evaluation.skipped.values()).most_common()
    blocks: list[Block] = [Prose(NOTE if found else "There are no findings.")]
    if found:
        blocks.append(Grid("Diagnosis of each tag", ("tag", "finding", "why"), found, words=3))
    if skipped:
        rows = tuple((Cell(why), Cell(count(amount))) for why, amount in skipped)
        blocks.append(Grid("Skipped tracks", ("reason", "tracks"), rows))
    return tuple(blocks)


def tabulate_tags(level: Level, tags: list[TagFigures], precision: float) -> Grid:
    """Return the figures of tags; of songs also thresholds, which were chosen for a precision."""
    if level.noun != "song":
        plain = tuple(
            (Cell(each.tag), Cell(count(each.positives)), cell(each.pr_auc), cell(each.roc_auc))
            for each in tags
        )
        head: tuple[str, ...] = ("tag", f"{level.noun}s", "PR-AUC", "ROC-AUC")
        return Grid(f"Each tag in {level.noun}s", head, plain)
    head = (
        "tag", "songs", "in training", "PR-AUC", "ROC-AUC",
        f"threshold for {percent(precision)}", "precision", "recall",
    )  # fmt: skip
    rows = tuple(
        (
            Cell(each.tag),
            Cell(count(each.positives)),
            Cell(count(each.train_positives)),
            cell(each.pr_auc),
            cell(each.roc_auc),
            *(Cell(number(value)) for value in (each.threshold, each.precision, each.recall)),
        )
        for each in tags
    )
    return Grid("Each tag", head, rows)


def tabulate_ranks(level: Level) -> Grid:
    """Return the share of songs (windows) whose tags are among the K highest scores."""
    figures = level.figures
    accuracies = zip(figures.soft_accuracy_at_k, figures.accuracy_at_k, strict=True)
    rows = tuple(
        (Cell(str(rank)), Cell(percent(one)), Cell(percent(every)))
        for rank, (one, every) in enumerate(accuracies, 1)
        if rank in RANKS
    )
    return Grid(
        f"{level.noun.capitalize()}s by rank", ("K", "one of the song’s tags", "all of them"), rows
    )


def tabulate_calibration(calibration: Calibration, tracks: int) -> Grid:
    """Return how often scores are correct, and whether they are over- or under-confident, by bin.

    Scores of one song are not independent, so intervals assume at most one score a track.
    """
    rows = []
    bins = zip(calibration.scores, calibration.frequencies, calibration.counts, strict=True)
    for score, frequency, amount in bins:
        songs = min(amount, tracks)
        low, high = binomtest(round(frequency * songs), songs).proportion_ci(method="wilson")
        finding = "no significant difference"
        if not low <= score <= high:
            finding = "over-confident" if score > high else "under-confident"
        within = Interval(value=frequency, low=low, high=high)
        rows.append((Cell(number(score)), Cell(finding), cell(within), Cell(count(amount))))
    head = ("mean score", "finding", "how often correct", "scores")
    return Grid("Scores in bins", head, tuple(rows), words=2)
