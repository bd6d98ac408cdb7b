"""What was left out, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table

from app.cli.console import cell, err, say

if TYPE_CHECKING:
    from app.datasets.loaders.dataset import Skipped

SHOWN_SKIPS = 10


def show_reasons(title: str, reasons: Mapping[str, str]) -> None:
    """Print why, by file; nothing where there are none."""
    if not reasons:
        return
    table = Table(Column(title, overflow="fold"), Column("why", overflow="fold"))
    for path, why in sorted(reasons.items()):
        table.add_row(cell(path), cell(why))
    err.print(table)


def say_skipped(skipped: "Sequence[Skipped]") -> None:
    """Print what of a dataset could not be read: the first ones, and how many more of each file."""
    for each in skipped[:SHOWN_SKIPS]:
        line = f": line {each.row}" if each.row else ""
        say(err, f"skipped: {each.file}{line}: {each.why}")
    further = Counter(each.file for each in skipped[SHOWN_SKIPS:])
    for file, count in further.items():
        say(err, f"skipped: {file}: {count} more")
