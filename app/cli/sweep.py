"""Shows a sweep of `taggram train --sweep`: its progress, and its table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from app.cli.console import cell, err, out, say
from app.evaluation.figures import Interval

if TYPE_CHECKING:
    from app.training.run.train import TrainRequest
    from app.training.sweep.ranking import Ranked, Trial

CAPTION = (
    "Whole songs of the validation part, with 95 % intervals. Behind: the figure of the first "
    "minus that of the row, on the same songs; an interval with 0 shows no difference."
)


def run_sweep(file: Path, request: "TrainRequest", jobs: int | None) -> None:
    """Run or resume a sweep, and print its table.

    Args:
        file: The file of the sweep.
        request: The options of the trials.
        jobs: The trials at a time.

    Raises:
        SetupError: See `app.training.sweep.search.search`.
    """
    from app.training.sweep.search import BEST, search

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("trials", total=None)

        def on_trial(trial: "Trial", done: int, total: int) -> None:
            progress.update(bar, description=f"rung {trial.rung}", total=total, completed=done)
            title = f"rung {trial.rung}, {done} of {total}: {trial.candidate.title}"
            say(err, f"{title}: {trial.result.error or f'{trial.result.seconds:.0f} s'}")

        ranked = search(file, request, jobs, on_trial)
    out.print(_table(ranked))
    say(out, f"{request.folder / BEST} is the first one; train it with `taggram train --recipe`.")


def _table(ranked: Sequence["Ranked"]) -> Table:
    settings = list(ranked[0].trial.candidate.settings)
    figures = ("ROC-AUC", "PR-AUC", "behind", "share", "seconds", "weights")
    named = (Column(name, overflow="fold") for name in settings)
    table = Table("", *named, *(Column(name, justify="right", overflow="fold") for name in figures))
    table.caption, table.caption_justify = CAPTION, "left"
    for place, each in enumerate(ranked, 1):
        trial, result = each.trial, each.trial.result
        chosen = (cell(trial.candidate.settings[key]) for key in settings)
        shown: tuple[str, ...] = ("failed",)
        if result.error is None:
            counts = (f"{trial.share:g}", f"{result.seconds:,.0f}", f"{result.parameters:,}")
            shown = (*map(_figure, (each.roc_auc, each.pr_auc, each.behind)), *counts)
        table.add_row(str(place), *chosen, *shown)
    return table


def _figure(figure: Interval) -> str:
    if figure.value is None:
        return "-"
    ends = "" if figure.low is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{ends}"
