"""`taggram evaluate`: evaluate published models on a split."""

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.store_option import StoreUrl, open_store
from app.datasets.tracks import Subset
from app.evaluation.figures import Evaluation, Overall, group_comparable
from app.store.storage.store import Store

if TYPE_CHECKING:
    from app.evaluation.evaluate import Plan
    from app.evaluation.report.taggrams import SongTaggram
    from app.evaluation.scoring import Scored, Scorer

SONGS = 3
"""The number of taggrams of each model in a report."""

FIGURES = {"PR-AUC": "pr_auc_macro", "ROC-AUC": "roc_auc_macro", "cosine": "cosine"}

CAPTION = "The best is bold. Compare the 95 % intervals in evaluation.json before you choose."


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="NAME or NAME/VERSION, or the folder of a run."),
    ],
    split: Annotated[Path, typer.Option(help="A table of `taggram data split`.")],
    audio_store: Annotated[Path, typer.Option(help="An audio store of `taggram data store`.")],
    folder: Annotated[
        Path, typer.Option("--out", help="The folder for NAME/VERSION/evaluation.json.")
    ],
    part: Annotated[Subset, typer.Option(help="Which part of the split.")] = Subset.TEST,
    precision: Annotated[
        float, typer.Option(help="Target precision of each tag's threshold.")
    ] = 0.8,
    overlap: Annotated[
        list[float],
        typer.Option(
            help="Also measure windows that overlap by this share: 0.5 takes twice the time of 0, "
            "0.75 four times. May be repeated."
        ),
    ] = [],  # noqa: B006 - typer only reads it
    majority_k: Annotated[
        list[int],
        typer.Option(
            min=1,
            metavar="K",
            help="Also measure a majority vote in which each window votes for its K highest tags; "
            "1 and 5 are always measured. May be repeated.",
        ),
    ] = [],  # noqa: B006 - typer only reads it
    report: Annotated[bool, typer.Option("--report", help="Also write an HTML report.")] = False,
    url: StoreUrl = None,
) -> None:
    """Evaluate models on a part of a split; scores are cached, so a stopped run can be resumed."""
    log_to_stderr(logging.WARNING)
    evaluations, curves, songs = [], {}, []
    with plain_errors():
        from app.datasets.audio.audio_store import AudioStore
        from app.datasets.tables import read_split
        from app.evaluation.evaluate import Plan
        from app.evaluation.scoring import Scorer

        if report:  # imported before hours of work, as it needs more packages
            from app.evaluation.write_report import write_report

        plan = Plan(read_split(split), part, tuple(overlap), precision, tuple(majority_k))
        audio = AudioStore.open(audio_store)
        for wanted in models:
            published, name, run = _located(wanted, url)
            with err.status(cell(f"loading {wanted}")):
                scorer = Scorer(published, name, plan.split, audio, folder)
            evaluation, scored = _evaluated(plan, scorer, folder / str(scorer.manifest.ref))
            evaluations.append(evaluation)
            if run:
                curves[str(scorer.manifest.ref)] = run / "curves.csv"
            if report:
                songs += _songs(scorer, plan, scored)
    for table in compare(evaluations):
        out.print(table)
    if report:
        with plain_errors():
            written = write_report(evaluations, folder, songs, curves)
        say(out, f"{written}: the report.")


def _located(wanted: str, url: str | None) -> tuple[Store, str, Path | None]:
    """Return a model's store and name, and the folder of its run if one is given."""
    run = Path(wanted)
    if not (run / "model").is_dir():
        return open_store(url), wanted, None
    published = Store(str(run / "model"))
    return published, str(published.refs()[0]), run


def _songs(scorer: "Scorer", plan: "Plan", scored: "Scored") -> list["SongTaggram"]:
    """Return taggrams of the first songs of the part, in the order of their ids."""
    from app.evaluation.report.taggrams import SongTaggram

    tracks = {each.track.id: each.track for each in plan.split.part(plan.part)}
    return [
        SongTaggram(
            title=f"{tracks[key].dataset}/{tracks[key].path}, by {scorer.manifest.ref}",
            tags=scored.tags,
            times_s=times_s.tolist(),
            window_s=scorer.manifest.window_spec.window_s,
            scores=windows,
            true_tags=tracks[key].tags,
        )
        for key, times_s, windows in islice(
            zip(scored.ids, scored.times_s, scored.windows, strict=True), SONGS
        )
    ]


def compare(evaluations: Sequence[Evaluation]) -> list[Table]:
    """Return tables that compare models, as the thesis's tables 10.1 and 10.2.

    Only models that were measured on the same tracks and tags are in one table.
    """
    groups = group_comparable(evaluations)
    return [table(group) for group in groups for table in (_chunk_level, _song_level)]


def _evaluated(plan: "Plan", scorer: "Scorer", folder: Path) -> tuple[Evaluation, "Scored"]:
    """Evaluate a model, write its figures and the songs' scores, and return both."""
    from app.evaluation.evaluate import evaluate as measure
    from app.evaluation.evaluation_file import write_evaluation, write_scores

    model = str(scorer.manifest.ref)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:

        def score(part: Subset, overlap: float) -> "Scored":
            task = progress.add_task(f"{model}, {part}, overlap {overlap:g}")
            return scorer.score(
                part,
                overlap,
                lambda done, total: progress.update(task, completed=done, total=total),
            )

        scored = score(plan.part, 0.0)  # once, as it is measured, written and drawn

        def score_others(part: Subset, overlap: float) -> "Scored":
            return scored if part is plan.part and not overlap else score(part, overlap)

        evaluation = measure(plan, model, score_others, scorer.manifest.architecture.name)
        write_scores(folder / "scores.csv", scored)
    write_evaluation(folder / "evaluation.json", evaluation)
    _report_skipped(evaluation)
    return evaluation, scored


def _report_skipped(evaluation: Evaluation) -> None:
    for reason, tags in _by_reason(evaluation.left_out).items():
        say(err, f"{evaluation.model}: left out: {', '.join(tags)}: {reason}")
    for reason, tracks in _by_reason(evaluation.skipped).items():
        say(err, f"{evaluation.model}: {len(tracks)} skipped: {reason}")


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return names


def _chunk_level(evaluations: Sequence[Evaluation]) -> Table:
    table = _table(evaluations[0], "chunk level", "model", "chunks")
    names = [(each.model, str(each.chunks)) for each in evaluations]
    _fill(table, names, [each.chunk for each in evaluations])
    return table


def _song_level(evaluations: Sequence[Evaluation]) -> Table:
    table = _table(evaluations[0], "song level", "model", "pooling", "overlap")
    levels = [(each.model, level) for each in evaluations for level in each.songs]
    names = [(model, level.pooling, f"{level.overlap:g}") for model, level in levels]
    _fill(table, names, [level.overall for _, level in levels])
    return table


def _table(about: Evaluation, level: str, *names: str) -> Table:
    measured = len(about.measured_tags)
    title = (
        f"{about.task}, {level}: {about.split}, {about.part}, {about.tracks} tracks, "
        f"{measured} tags"
    )
    table = Table(*names, title=cell(title), caption=CAPTION)
    for figure in FIGURES:
        table.add_column(figure, justify="right")
    return table


def _fill(table: Table, names: Sequence[Sequence[str]], overalls: Sequence[Overall]) -> None:
    """Add a row for each model; the best of each figure is bold."""
    rows = [[getattr(each, figure).value for figure in FIGURES.values()] for each in overalls]
    best = [
        max((value for value in column if value is not None), default=None)
        for column in zip(*rows, strict=True)
    ]
    for words, values in zip(names, rows, strict=True):
        cells = [_cell(value, value == top) for value, top in zip(values, best, strict=True)]
        table.add_row(*map(cell, words), *cells)


def _cell(value: float | None, is_best: bool) -> Text:
    if value is None:
        return Text("-")
    return Text(f"{value:.3f}", style="bold" if is_best else "")
