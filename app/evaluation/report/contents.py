"""Assemble a report, section by section."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.evaluation.figures import Evaluation
from app.evaluation.report import charts, model_tables
from app.evaluation.report.comparison import compare_models, describe_tracks
from app.evaluation.report.formatting import count, number, percent
from app.evaluation.report.levels import Level, chunk_level, song_level
from app.evaluation.report.song_chart import taggram
from app.evaluation.report.taggrams import SongTaggram
from app.evaluation.report.training_curves import read_curves
from app.report.blocks import Block, Document, Gallery, Prose, Section, Switched


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
    sections = [
        Section("Findings", model_tables.tabulate_findings(evaluation)),
        _switched("Tags", evaluation, lambda level: _tags(level, evaluation.preferred_precision)),
        _switched("Confusions", evaluation, _confusions),
        _switched("Among the first K", evaluation, _ranks),
        _switched(
            "Whether scores are probabilities",
            evaluation,
            lambda level: _calibration(level, evaluation.tracks),
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


def _switched(
    title: str, evaluation: Evaluation, blocks: Callable[[Level], tuple[Block, ...]]
) -> Section:
    """Return a section of both levels, or of songs alone if the evaluation has no others."""
    songs, chunks = song_level(evaluation), chunk_level(evaluation)
    if chunks is None:
        return Section(title, blocks(songs))
    return Section(title, (Switched(blocks(songs), blocks(chunks)),))


def _tags(level: Level, precision: float) -> tuple[Block, ...]:
    known = [each for each in level.figures.tags if each.pr_auc.value is not None]
    if not known:
        return (Prose("No tag could be measured."),)
    tags = sorted(known, key=lambda each: (-(each.pr_auc.value or 0), each.tag))
    total = max(level.total, 1)
    bars = Gallery(
        (
            charts.tag_bars(
                tags, "PR-AUC", lambda each: each.pr_auc, lambda each: each.positives / total
            ),
            charts.tag_bars(tags, "ROC-AUC", lambda each: each.roc_auc, lambda _: 0.5),
        )
    )
    note = Prose(
        f"In brackets the number of {level.owner} with the tag; the short vertical line is "
        "guessing."
    )
    return bars, note, model_tables.tabulate_tags(level, tags, precision)


def _confusions(level: Level) -> tuple[Block, ...]:
    note = Prose(
        f"The share of each row’s tag in the scores of {level.owner} of a column’s tag; each "
        "column adds up to 1. The diagonal has correct predictions; a bright row is a tag that is "
        f"predicted for most {level.noun}s."
    )
    return note, charts.confusion_map(level)


def _ranks(level: Level) -> tuple[Block, ...]:
    return charts.accuracy_curves(level), model_tables.tabulate_ranks(level)


def _calibration(level: Level, tracks: int) -> tuple[Block, ...]:
    calibration = level.figures.calibration
    return (
        charts.calibration_chart(calibration),
        Prose(f"Scores are off by {number(calibration.expected_error)} on average."),
        model_tables.tabulate_calibration(calibration, tracks),
    )
