"""Progress of a run over a catalogue: a bar on a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.console import err, say

if TYPE_CHECKING:
    from app.catalogue.summary import Summary

LINE_S = 30.0
"""Seconds between two lines."""

OnProgress = Callable[["Summary"], None]


@contextmanager
def tagging_progress() -> Iterator[OnProgress]:
    """Yield a function that shows the counts of a run, with the rate and the time left."""
    begun = time.monotonic()
    if not err.is_terminal:
        yield _lines(begun)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        "tagging", *columns, TextColumn("{task.description}"), console=err, transient=True
    ) as progress:
        bar = progress.add_task("")

        def on_progress(summary: "Summary") -> None:
            text = describe(summary, time.monotonic() - begun)
            progress.update(bar, total=summary.total, completed=summary.done, description=text)

        yield on_progress


def describe(summary: "Summary", seconds: float) -> str:
    """Return the rate and the failures by status, such as `3.1 tracks/s, 2 silent_audio`."""
    rate = f"{(summary.inferred + summary.shared) / max(seconds, 1e-3):.1f} tracks/s"
    failures = [f"{count:,} {status}" for status, count in summary.failures.most_common()]
    return ", ".join([rate, *failures])


def _lines(begun: float) -> OnProgress:
    shown = begun

    def on_progress(summary: "Summary") -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < LINE_S:
            return
        shown = now
        left_s = (now - begun) / max(summary.done, 1) * (summary.total - summary.done)
        say(
            err,
            f"{summary.done:,} of {summary.total:,} tracks, {describe(summary, now - begun)}, "
            f"{left_s / 60:.0f} minutes left",
        )

    return on_progress
