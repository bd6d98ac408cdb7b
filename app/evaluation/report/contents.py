"""Assemble a report, section by section."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.evaluation.figures import Evaluation, TagFigures
from app.evaluation.report import charts
from app.evaluation.report.blocks import Block, Cell, Document, Gallery, Grid, Prose, Section
from app.evaluation.report.comparison import compare_models, describe_tracks
from app.evaluation.report.diagnosis import diagnose
from app.evaluation.report.song_chart import taggram
from app.evaluation.report.taggrams import SongTaggram
from app.evaluation.report.training_curves import read_curves
from app.evaluation.report.words import cell, count, describe_pooling, number, percent

RANKS = (1, 2, 3, 5, 10, 20)
"""The values of K in the table; the chart has all."""


def make_document(
    evaluations: Sequence[Evaluation],
    taggrams: Sequence[SongTaggram],
    curves: Mapping[str, Path],
) -> Document:
    """Assemble a report.

    Args:
        evaluations: Of one model or several.
        taggrams: Of chosen songs.
        curves: `curves.csv` of the models' trainings, by the models' names.

    Raises:
        SetupError: Curves can't be read.
    """
    sections = [compare_models(evaluations), *(_model(each, curves) for each in evaluations)]
    if taggrams:
        note = Prose("A dot marks the song’s labels.")
        pictures = tuple(map(taggram, taggrams))
        sections.append(Section("Songs over time", (note, *pictures)))
    lead = (
        "ROC-AUC: how often a song with a tag scores higher than one without, .5 is guessing. "
        "PR-AUC: the mean precision over all recalls, guessing gives the tag’s share of songs. In "
        "brackets 95 % bootstrap intervals over songs."
    )
    return Document("How well the tags are predicted", lead, tuple(sections))


def _model(evaluation: Evaluation, curves: Mapping[str, Path]) -> Section:
    sections = [
        Section("Findings", (diagnose(evaluation),)),
        Section("Tags", _tags(evaluation)),
        Section("Confusions", _confusions(evaluation)),
        Section("Among the first K", _ranks(evaluation)),
        Section("Whether scores are probabilities", _calibration(evaluation)),
        Section("Poolings and overlaps", (_poolings(evaluation),)),
    ]
    if evaluation.model in curves:
        pictures = charts.training_charts(read_curves(curves[evaluation.model]))
        sections.append(Section("Training", (Gallery(pictures),)))
    about = (
        f"{count(evaluation.tracks)} tracks, {count(evaluation.chunks)} windows: the "
        f"{describe_tracks(evaluation)}."
    )
    return Section(f"{evaluation.model}: {evaluation.task}", (Prose(about),), tuple(sections))


def _tags(evaluation: Evaluation) -> tuple[Block, ...]:
    known = [each for each in evaluation.tags if each.pr_auc.value is not None]
    if not known:
        return (Prose("No tag could be measured."),)
    tags = sorted(known, key=lambda each: (-(each.pr_auc.value or 0), each.tag))
    tracks = max(evaluation.tracks, 1)
    bars = Gallery(
        (
            charts.tag_bars(
                tags, "PR-AUC", lambda each: each.pr_auc, lambda each: each.positives / tracks
            ),
            charts.tag_bars(tags, "ROC-AUC", lambda each: each.roc_auc, lambda _: 0.5),
        )
    )
    note = Prose(
        "In brackets the number of songs with the tag; the short vertical line is guessing."
    )
    preferred = percent(evaluation.preferred_precision)
    head = (
        "tag", "songs", "in training", "PR-AUC", "ROC-AUC",
        f"threshold for {preferred}", "precision", "recall",
    )  # fmt: skip
    return bars, note, Grid("Each tag", head, tuple(map(_tag_row, tags)))


def _tag_row(each: TagFigures) -> tuple[Cell, ...]:
    return (
        Cell(each.tag),
        Cell(count(each.positives)),
        Cell(count(each.train_positives)),
        cell(each.pr_auc),
        cell(each.roc_auc),
        Cell(number(each.threshold)),
        Cell(number(each.precision)),
        Cell(number(each.recall)),
    )


def _confusions(evaluation: Evaluation) -> tuple[Block, ...]:
    note = Prose(
        "The share of each row’s tag in the scores of songs of a column’s tag; each column adds "
        "up to 1. The diagonal has correct predictions; a bright row is a tag that is predicted "
        "for most songs."
    )
    return note, charts.confusion_map(evaluation)


def _ranks(evaluation: Evaluation) -> tuple[Block, ...]:
    known = len(evaluation.accuracy_at_k)
    rows = tuple(
        (
            Cell(str(rank)),
            Cell(percent(evaluation.soft_accuracy_at_k[rank - 1])),
            Cell(percent(evaluation.accuracy_at_k[rank - 1])),
        )
        for rank in RANKS
        if rank <= known
    )
    head = ("K", "one of the song’s tags", "all of them")
    return charts.accuracy_curves(evaluation), Grid("Songs by rank", head, rows)


def _calibration(evaluation: Evaluation) -> tuple[Block, ...]:
    calibration = evaluation.calibration
    rows = tuple(
        (Cell(number(score)), Cell(number(frequency)), Cell(count(amount)))
        for score, frequency, amount in zip(
            calibration.scores, calibration.frequencies, calibration.counts, strict=True
        )
    )
    head = ("mean score", "how often correct", "scores")
    return charts.calibration_chart(calibration), Grid("Scores in bins", head, rows)


def _poolings(evaluation: Evaluation) -> Grid:
    rows = tuple(
        (
            Cell(describe_pooling(level)),
            cell(level.overall.pr_auc_macro),
            cell(level.overall.roc_auc_macro),
            cell(level.overall.cosine),
        )
        for level in evaluation.songs
    )
    return Grid("Poolings of windows", ("pooling", "PR-AUC", "ROC-AUC", "cosine"), rows)
