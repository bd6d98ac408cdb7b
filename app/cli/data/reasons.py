"""A table of files, and what is wrong with each."""

from collections.abc import Mapping

from rich.table import Column, Table
from rich.text import Text

from app.cli.console import err, printable


def show_reasons(title: str, reasons: Mapping[str, str]) -> None:
    """Print why, by file; nothing where there are none."""
    if not reasons:
        return
    table = Table(Column(title, overflow="fold"), Column("why", overflow="fold"))
    for path, why in sorted(reasons.items()):
        table.add_row(Text(printable(path)), Text(printable(why)))
    err.print(table)
