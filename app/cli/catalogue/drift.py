"""`taggram catalogue drift`: whether the predictions of two windows of time differ."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.catalogue.compare import make_sides
from app.cli.catalogue.shared import WHERE, Catalogue
from app.cli.console import cell, err, out, plain_errors, say
from app.files import write_atomically

if TYPE_CHECKING:
    from app.catalogue.drift import Drift

ROWS = 20
"""Rows of a table on the terminal; the JSON file has all."""

STYLES = {"none": "", "moderate": "yellow", "large": "bold red"}


def drift(
    place: Catalogue,
    old: Annotated[
        str,
        typer.Argument(
            metavar="FROM..TO",
            help="The old window, as 2026-11-01..2026-11-08; TO is not in it; a side may be empty.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="FROM..TO", help="The new window.")],
    model: Annotated[str, typer.Option(help="The model: `name` or `name/version`.")],
    new_place: Annotated[
        str | None,
        typer.Option("--new-catalogue", metavar="DIR_OR_URL", help=f"That of NEW. {WHERE}"),
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(help="Compare the suggestions of this vocabulary instead of raw tags."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result to this file.")
    ] = None,
) -> None:
    """Compare the predictions for the tracks that were tagged in two windows of time."""
    with plain_errors():
        from app.catalogue.drift import Window, measure_drift
        from app.catalogue.storage import open_storage

        windows = [Window.parse(text) for text in (old, new)]
        catalogue = open_storage(place)
        other = open_storage(new_place) if new_place else catalogue
        with err.status("comparing"):
            sides = make_sides((catalogue, model), (other, model), vocabulary)
            measured = measure_drift(sides[0], windows[0], sides[1], windows[1])
        if to:
            write_atomically(to, json.dumps(asdict(measured), indent=2).encode() + b"\n")
    _show(measured)


def _show(measured: "Drift") -> None:
    """Print the drift of the first tag, and of the tags that drift most."""
    first = measured.first_tags
    say(out, f"{measured.old_tracks:,} tracks before, {measured.new_tracks:,} after")
    say(
        out,
        f"Tag with the highest score: PSI {first.psi:.3f} (chance reaches {first.chance:.3f}), "
        f"Jensen-Shannon distance {first.distance:.3f}, change: {first.change}",
        style=STYLES[first.change],
    )
    numbers = ("highest before", "after", "mean before", "after", "PSI", "chance", "distance")
    table = Table("tag", *(Column(name, justify="right") for name in numbers), "change")
    for tag in measured.tags[:ROWS]:
        scores = tag.scores
        table.add_row(
            cell(tag.tag),
            *(f"{count:,}" for count in (tag.old_first, tag.new_first)),
            *(f"{mean:.3f}" for mean in (tag.old_mean, tag.new_mean)),
            *(f"{value:.3f}" for value in (scores.psi, scores.chance, scores.distance)),
            scores.change,
            style=STYLES[scores.change],
        )
    out.print(table)
