"""Report what was left out, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table

from app.cli.console import cell, err, say

if TYPE_CHECKING:
    from app.datasets.loaders.dataset import Skipped

SHOWN_SKIPS = 10


def show_reasons(title: str, reasons: Mapping[str, str]) -> None:
    """Print a table of reasons by name, unless it is empty."""
    if not reasons:
        return
    table = Table(Column(title, overflow="fold"), Column("why", overflow="fold"))
    for path, why in sorted(reasons.items()):
        table.add_row(cell(path), cell(why))
    err.print(table)


def say_skipped(skipped: "Sequence[Skipped]") -> None:
    """Print the first skipped rows of a dataset, and the number of others by file."""
    for each in skipped[:SHOWN_SKIPS]:
        line = f": line {each.row}" if each.row else ""
        say(err, f"skipped: {each.file}{line}: {each.why}")
    further = Counter(each.file for each in skipped[SHOWN_SKIPS:])
    for file, count in further.items():
        say(err, f"skipped: {file}: {count} more")
