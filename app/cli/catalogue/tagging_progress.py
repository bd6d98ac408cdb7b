"""Progress of a run over a catalogue: a bar on a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.console import err, say

if TYPE_CHECKING:
    from app.catalogue.summary import Summary

LINE_S = 30.0
"""Seconds between two lines."""

OnProgress = Callable[["Summary"], None]


@contextmanager
def tagging_progress(clock: Callable[[], float] = time.monotonic) -> Iterator[OnProgress]:
    """Yield a function that shows the counts of a run, with the rate and the time left."""
    if not err.is_terminal:
        yield _lines(clock)
        return
    begun = clock()
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        "tagging", *columns, TextColumn("{task.description}"), console=err, transient=True
    ) as progress:
        bar = progress.add_task("")

        def on_progress(summary: "Summary") -> None:
            text = describe(summary, _tagged(summary) / max(clock() - begun, 1e-3))
            progress.update(bar, total=summary.total, completed=summary.done, description=text)

        yield on_progress


def describe(summary: "Summary", rate: float) -> str:
    """Return the rate and the failures by status, such as `3.1 tracks/s, 2 silent_audio`."""
    failures = [f"{count:,} {status}" for status, count in summary.failures.most_common()]
    return ", ".join([f"{rate:.1f} tracks/s", *failures])


def _lines(clock: Callable[[], float]) -> OnProgress:
    """Print a line each `LINE_S`, with the rate since the one before.

    What earlier runs have tagged passes fast, and says nothing about the time left.
    """
    shown_at, done, tagged = clock(), 0, 0

    def on_progress(summary: "Summary") -> None:
        nonlocal shown_at, done, tagged
        seconds = clock() - shown_at
        if seconds < LINE_S:
            return
        left_s = seconds / max(summary.done - done, 1) * (summary.total - summary.done)
        text = describe(summary, (_tagged(summary) - tagged) / seconds)
        shown_at, done, tagged = shown_at + seconds, summary.done, _tagged(summary)
        left = timedelta(seconds=round(left_s))
        say(err, f"{done:,} of {summary.total:,} tracks, {text}, {left} left")

    return on_progress


def _tagged(summary: "Summary") -> int:
    return summary.inferred + summary.shared
