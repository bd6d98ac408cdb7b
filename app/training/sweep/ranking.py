"""Rank the trials of a sweep, with intervals, and write them as table and picture."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from app.evaluation.bootstrap import interval
from app.evaluation.figures import Interval
from app.evaluation.metrics import Floats
from app.files import write_atomically
from app.plot_style import ACCENT, FONT_PT, INK, MUTED, as_png, blank, plain
from app.text import csv_cell
from app.training.sweep.plan import Candidate
from app.training.sweep.trial import TrialResult

TABLE, PICTURE = "sweep.csv", "sweep.png"

TITLES = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}

LABELLED = 12
"""The best combinations are numbered in the picture."""

Metric = Literal["roc_auc", "pr_auc"]


@dataclass(frozen=True)
class Trial:
    """A combination in a rung.

    Attributes:
        candidate: The combination.
        rung: The number of the rung, from 1.
        share: The share of the tracks that it was trained on.
        result: Its result.
    """

    candidate: Candidate
    rung: int
    share: float
    result: TrialResult

    def draws(self, metric: Metric) -> Floats:
        """Return a figure, then its bootstrap draws, (1 + draws,); NaN if it was not measured."""
        figures: tuple[float | None, ...] = getattr(self.result, metric) or (None,)
        return np.array([np.nan if each is None else each for each in figures])


@dataclass(frozen=True)
class Ranked:
    """A trial in the table.

    Attributes:
        trial: The trial.
        roc_auc: With its 95 % interval.
        pr_auc: The same.
        behind: The figure of the first of its rung minus its own, on the same tracks, with its
            95 % interval: if that contains 0, the two can't be distinguished.
    """

    trial: Trial
    roc_auc: Interval
    pr_auc: Interval
    behind: Interval


def best_first(trials: Sequence[Trial], metric: Metric) -> list[Trial]:
    """Return trials by their figure, the failed ones last; equal ones in their order."""
    return sorted(trials, key=lambda trial: -np.nan_to_num(trial.draws(metric)[0], nan=-1.0))


def rank(trials: Sequence[Trial], metric: Metric) -> list[Ranked]:
    """Rank the last trial of each combination: later rungs first, as they compare the best.

    Args:
        trials: The trials of all rungs.
        metric: The figure to rank by.
    """
    last = {trial.candidate.number: trial for trial in sorted(trials, key=lambda each: each.rung)}
    ranked: list[Ranked] = []
    for rung in sorted({trial.rung for trial in last.values()}, reverse=True):
        first = best_first([trial for trial in trials if trial.rung == rung], metric)[0]
        own = [trial for trial in last.values() if trial.rung == rung]
        ranked += [_ranked(trial, first, metric) for trial in best_first(own, metric)]
    return ranked


def write_ranking(folder: Path, ranked: Sequence[Ranked], metric: Metric) -> None:
    """Write `sweep.csv` and `sweep.png`.

    Raises:
        SetupError: They can't be written.
    """
    text = io.StringIO()
    rows = [_row(place, each) for place, each in enumerate(ranked, 1)]
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(folder / TABLE, text.getvalue().encode())
    write_atomically(folder / PICTURE, _drawn(ranked, metric))


def _ranked(trial: Trial, first: Trial, metric: Metric) -> Ranked:
    own, best = trial.draws(metric), first.draws(metric)
    known = len(own) == len(best)  # a failed trial has no draws
    return Ranked(
        trial,
        interval(trial.draws("roc_auc")),
        interval(trial.draws("pr_auc")),
        interval(best - own) if known else Interval(value=None),
    )


def _row(place: int, ranked: Ranked) -> Mapping[str, object]:
    trial, result = ranked.trial, ranked.trial.result
    intervals = {"roc_auc": ranked.roc_auc, "pr_auc": ranked.pr_auc, "behind": ranked.behind}
    return {
        "rank": place,
        "combination": trial.candidate.number,
        **{key: csv_cell(value) for key, value in trial.candidate.settings.items()},
        "rung": trial.rung,
        "share": round(trial.share, 6),
        "tracks": result.tracks,
        "validated": result.validated,
        **{
            f"{name}{end}": "" if value is None else f"{value:.4f}"
            for name, each in intervals.items()
            for end, value in (("", each.value), ("_low", each.low), ("_high", each.high))
        },
        "epochs": result.epochs,
        "seconds": result.seconds,
        "parameters": result.parameters,
        "error": csv_cell(result.error or ""),
    }


def _drawn(ranked: Sequence[Ranked], metric: Metric) -> bytes:
    """Draw the figure of each combination over the duration of its training; the best are named."""
    known = [(at, each) for at, each in enumerate(ranked, 1) if each.trial.result.error is None]
    figure = blank(7.5, 4.5)
    axes = figure.add_subplot()
    for place, each in known:
        value: Interval = getattr(each, metric)
        if value.value is None:
            continue
        at, colour = each.trial.result.seconds, ACCENT if place == 1 else MUTED
        if value.low is not None and value.high is not None:
            axes.plot([at, at], [value.low, value.high], color=colour, linewidth=1, alpha=0.5)
        axes.plot(at, value.value, "o", color=colour, alpha=1 if each.trial.rung > 1 else 0.7)
        if place <= LABELLED:
            title = f"{place}: {each.trial.candidate.title}" if place == 1 else str(place)
            axes.annotate(
                title, (at, value.value), xytext=(4, 4), textcoords="offset points",
                fontsize=FONT_PT, color=INK, parse_math=False,
            )  # fmt: skip
    axes.set_xlim(left=0)
    plain(axes, "Seconds of training (of the last rung)", f"{TITLES[metric]} of whole songs, 95 %")
    return as_png(figure)
