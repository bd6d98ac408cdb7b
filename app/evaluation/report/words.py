"""Format figures and names for a report."""

from collections.abc import Iterable, Sequence

from app.evaluation.figures import Interval, SongLevel
from app.evaluation.report.blocks import Cell
from app.text import printable

MISSING = "–"
"""Stands for a figure that could not be measured."""

POOLINGS = {"mean": "mean", "majority": "majority vote", "softmax": "softmax", "max": "maximum"}


def number(value: float | None, places: int = 3) -> str:
    """Format a figure, which may be missing."""
    return MISSING if value is None else f"{value:.{places}f}"


def count(value: int | None) -> str:
    """Format an integer with commas; it may be missing."""
    return MISSING if value is None else f"{value:,}"


def some(amount: int, thing: str) -> str:
    """Format an amount with its noun, such as `1 tag` or `3 tags`."""
    return f"{amount:,} {thing}{'' if amount == 1 else 's'}"


def percent(share: float) -> str:
    """Format a share in whole percent."""
    return f"{share:.0%}"


def span(interval: Interval, places: int = 3) -> str:
    """Format the bounds of an interval; return an empty string if there are none."""
    if interval.low is None or interval.high is None:
        return ""
    return f"{interval.low:.{places}f}–{interval.high:.{places}f}"


def with_interval(interval: Interval, places: int = 3) -> str:
    """Format a figure with its interval, as part of a sentence."""
    within = span(interval, places)
    return number(interval.value, places) + (f" ({within})" if within else "")


def cell(interval: Interval, strong: bool = False, places: int = 3) -> Cell:
    """Return a cell with a figure above its interval.

    Args:
        interval: The figure.
        strong: Whether it is bold.
        places: Its decimal places.
    """
    return Cell(number(interval.value, places), span(interval, places), strong)


def describe_pooling(level: SongLevel) -> str:
    """Describe the pooling and overlap of a song level."""
    how = POOLINGS.get(level.pooling, level.pooling)
    return f"{how}, overlap {percent(level.overlap)}" if level.overlap else how


def listed(items: Iterable[str], most: int = 8) -> str:
    """Join items as `a, b and c`; of more than `most`, name the first and the number of others."""
    every = list(items)
    named = every[:most]
    if len(every) > most:
        named.append(f"{len(every) - most} more")
    return joined(named)


def joined(items: Sequence[str]) -> str:
    """Join items as `a, b and c`."""
    if len(items) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def short(text: str, most: int = 24) -> str:
    """Shorten a label for a chart, and replace unprintable characters."""
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
