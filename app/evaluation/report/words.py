"""Figures and names as they stand in a report."""

from collections.abc import Iterable, Sequence

from app.evaluation.figures import Interval, SongLevel
from app.evaluation.report.blocks import Cell
from app.text import printable

NOTHING = "–"
"""Where a figure could not be measured."""

POOLINGS = {"mean": "mean", "majority": "majority vote", "softmax": "softmax", "max": "maximum"}


def number(value: float | None, places: int = 3) -> str:
    """A figure, or that there is none."""
    return NOTHING if value is None else f"{value:.{places}f}"


def count(value: int | None) -> str:
    """A whole number, with commas."""
    return NOTHING if value is None else f"{value:,}"


def some(amount: int, thing: str) -> str:
    """`1 tag`, `3 tags`."""
    return f"{amount:,} {thing}{'' if amount == 1 else 's'}"


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{share:.0%}"


def span(interval: Interval, places: int = 3) -> str:
    """From where to where an interval goes; nothing where there is none."""
    if interval.low is None or interval.high is None:
        return ""
    return f"{interval.low:.{places}f}–{interval.high:.{places}f}"


def measured(interval: Interval, places: int = 3) -> str:
    """A figure with its interval, as part of a sentence."""
    within = span(interval, places)
    return number(interval.value, places) + (f" ({within})" if within else "")


def cell(interval: Interval, strong: bool = False, places: int = 3) -> Cell:
    """A figure above its interval."""
    return Cell(number(interval.value, places), span(interval, places), strong)


def pooled(level: SongLevel) -> str:
    """How windows became a song."""
    how = POOLINGS.get(level.pooling, level.pooling)
    return f"{how}, overlap {percent(level.overlap)}" if level.overlap else how


def listed(items: Iterable[str], most: int = 8) -> str:
    """`a, b and c`; of more than `most` the first, and how many more."""
    every = list(items)
    named = every[:most]
    if len(every) > most:
        named.append(f"{len(every) - most} more")
    return joined(named)


def joined(items: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(items) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def short(text: str, most: int = 24) -> str:
    """As a label in a drawing: printable, and cut where it is too long."""
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
