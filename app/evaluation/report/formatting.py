"""Format figures and names for a report."""

from app.evaluation.figures import Interval, SongLevel
from app.report.blocks import Cell
from app.text import printable

MISSING = "–"
"""Stands for a figure that could not be measured."""

POOLINGS = {
    "mean": "mean",
    "majority": "majority vote",
    "majority_top1": "majority vote of the top tag",
    "softmax": "softmax",
    "softmax_tags": "softmax over tags",
    "max": "maximum",
}


def number(value: float | None, places: int = 3) -> str:
    """Format a figure, which may be missing."""
    return MISSING if value is None else f"{value:.{places}f}"


def count(value: int | None) -> str:
    """Format an integer with commas; it may be missing."""
    return MISSING if value is None else f"{value:,}"


def percent(share: float) -> str:
    """Format a share in whole percent."""
    return f"{share:.0%}"


def span(interval: Interval) -> str:
    """Format the bounds of an interval; return an empty string if there are none."""
    if interval.low is None or interval.high is None:
        return ""
    return f"{interval.low:.3f}–{interval.high:.3f}"


def with_interval(interval: Interval) -> str:
    """Format a figure with its interval, as part of a sentence."""
    within = span(interval)
    return number(interval.value) + (f" ({within})" if within else "")


def cell(interval: Interval, strong: bool = False) -> Cell:
    """Return a cell with a figure above its interval; `strong` makes the figure bold."""
    return Cell(number(interval.value), span(interval), strong)


def describe_pooling(level: SongLevel) -> str:
    """Describe the pooling and overlap of a song level."""
    named = level.pooling.replace("majority_top", "majority vote of the top ")
    how = POOLINGS.get(level.pooling, named)
    return f"{how}, overlap {percent(level.overlap)}" if level.overlap else how


def short(text: str, most: int = 24) -> str:
    """Shorten a label for a chart, and replace unprintable characters."""
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
