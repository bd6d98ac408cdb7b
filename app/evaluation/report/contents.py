"""Assemble a report, section by section."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.evaluation.figures import Evaluation
from app.evaluation.report import charts, model_tables
from app.evaluation.report.blocks import Block, Document, Gallery, Prose, Section
from app.evaluation.report.comparison import compare_models, describe_tracks
from app.evaluation.report.formatting import count, number, percent
from app.evaluation.report.song_chart import taggram
from app.evaluation.report.taggrams import SongTaggram
from app.evaluation.report.training_curves import read_curves


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
        "ROC-AUC: how often a song with a tag scores higher than one without; guessing gives .5. "
        "PR-AUC: the mean precision over all recalls; guessing gives the tag’s share of songs. "
        "Intervals are 95% bootstrap intervals over songs."
    )
    return Document("How well the tags are predicted", lead, tuple(sections))


def _model(evaluation: Evaluation, curves: Mapping[str, Path]) -> Section:
    calibration = evaluation.calibration
    sections = [
        Section("Findings", model_tables.tabulate_findings(evaluation)),
        Section("Tags", _tags(evaluation)),
        Section("Confusions", _confusions(evaluation)),
        Section(
            "Among the first K",
            (charts.accuracy_curves(evaluation), model_tables.tabulate_ranks(evaluation)),
        ),
        Section(
            "Whether scores are probabilities",
            (
                charts.calibration_chart(calibration),
                Prose(f"Scores are off by {number(calibration.expected_error)} on average."),
                model_tables.tabulate_calibration(calibration, evaluation.tracks),
            ),
        ),
    ]
    if evaluation.model in curves:
        pictures = charts.training_charts(read_curves(curves[evaluation.model]))
        sections.append(Section("Training", (Gallery(pictures),)))
    chosen = sum(each.threshold is not None for each in evaluation.tags)
    about = (
        f"{count(evaluation.tracks)} tracks, {count(evaluation.chunks)} windows: the "
        f"{describe_tracks(evaluation)}. {len(evaluation.measured_tags)} of "
        f"{len(evaluation.tags)} tags could be measured, {chosen} have a threshold for a precision "
        f"of {percent(evaluation.preferred_precision)} in validation."
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
    return bars, note, model_tables.tabulate_tags(tags, evaluation.preferred_precision)


def _confusions(evaluation: Evaluation) -> tuple[Block, ...]:
    note = Prose(
        "The share of each row’s tag in the scores of songs of a column’s tag; each column adds "
        "up to 1. The diagonal has correct predictions; a bright row is a tag that is predicted "
        "for most songs."
    )
    return note, charts.confusion_map(evaluation)
