"""Shared by the subcommands of `taggram catalogue`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, out, say

if TYPE_CHECKING:
    from app.catalogue.summary import Summary
    from app.tagging.projection import Projection

Out = Annotated[Path, typer.Option("--out", help="The folder of the catalogue.")]
Catalogue = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the catalogue.")]
Vocabularies = Annotated[
    list[str],
    typer.Option("--vocabularies", help="A vocabulary to suggest from; repeatable."),
]
DEFAULT_VOCABULARIES = ["subgenres"]


def derive_all(folder: Path, projections: "Sequence[Projection]") -> None:
    """Write the suggestions of vocabularies, and print the number of tracks.

    Raises:
        SetupError: As for `app.catalogue.derive.derive`.
    """
    from app.catalogue.derive import derive

    for projection in projections:
        vocabulary = projection.vocabulary
        with err.status(f"deriving {vocabulary.name}"):
            tracks = derive(folder, projection)
        say(
            out,
            f"{vocabulary.name}, version {vocabulary.version}: suggestions of {tracks:,} tracks",
        )


def show_failures(summary: "Summary") -> None:
    """Print the number of failures by status with an example, unless there are none."""
    if not summary.failures:
        return
    table = Table("failed", "tracks", Column("such as", overflow="fold"), "why")
    for status, count in summary.failures.most_common():
        place, detail = summary.examples[status]
        table.add_row(cell(status), f"{count:,}", cell(place), cell(detail))
    err.print(table)
