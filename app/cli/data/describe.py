"""`taggram data describe`: summarise a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, out, plain_errors, say
from app.cli.data.reasons import say_skipped
from app.errors import SetupError

if TYPE_CHECKING:
    from app.datasets.cleaning import Cleaned
    from app.datasets.loaders.dataset import Dataset
    from app.datasets.summary import Description


def describe(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="fma, mtat, mtg-jamendo or folder.")
    ],
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="The folder of its metadata, or your own CSV file."),
    ],
    subset: Annotated[
        str | None,
        typer.Option(help="Of FMA or MTG-Jamendo; the default is `large` or `autotagging`."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write charts of its distributions to this folder."
        ),
    ] = None,
) -> None:
    """Show a dataset's statistics, the effect of cleaning, and missing values."""
    with plain_errors():
        from app.datasets.cleaning import clean
        from app.datasets.summary import describe as described

        with err.status("reading"):
            cleaned = clean(_loaded(dataset, folder, subset))
        before, after = described(cleaned.dataset.tracks), described(cleaned.tracks)
        _say_source(cleaned.dataset)
        out.print(_counts(before, after), _steps(cleaned), _missing(cleaned, before), sep="\n")
        say_skipped(cleaned.dataset.skipped)
        if pictures:
            _draw(cleaned, pictures)


def _loaded(name: str, folder: Path, subset: str | None) -> "Dataset":
    from app.datasets.loaders import fma, mtat, mtg_jamendo
    from app.datasets.loaders import folder as own

    whole = {mtat.NAME: mtat.load, "folder": own.load}
    in_subsets = {fma.NAME: fma.load, mtg_jamendo.NAME: mtg_jamendo.load}
    if name in in_subsets:
        return in_subsets[name](folder, *([subset] if subset else []))
    if name not in whole:
        known = ", ".join([*in_subsets, *whole])
        raise SetupError(f"{name!r} is not a known dataset; choose one of {known}")
    if subset:
        raise SetupError(f"--subset: {name} has no subsets; leave out the option")
    return whole[name](folder)


def _say_source(dataset: "Dataset") -> None:
    about = dataset.about
    for line in (about.title, about.url, about.licence, about.citation):
        if line:
            say(out, line)


def _counts(before: "Description", after: "Description") -> Table:
    table = Table("", *_numbers("before cleaning", "after cleaning"))
    for name in ("tracks", "artists"):
        table.add_row(name, *(f"{getattr(each, name):,}" for each in (before, after)))
    table.add_row("tags", *(f"{len(each.tags):,}" for each in (before, after)))
    table.add_row("hours", *(f"{each.hours:,.0f}" for each in (before, after)))
    return table


def _steps(cleaned: "Cleaned") -> Table:
    total = len(cleaned.dataset.tracks)
    table = Table("dropped", *_numbers("tracks", "of all", "taggings", "tracks left"))
    for step in cleaned.steps:
        share = f"{step.tracks_dropped / total:.1%}" if total else ""
        counts = (f"{step.tracks_dropped:,}", share, f"{step.tags_dropped:,}")
        table.add_row(cell(step.rule), *counts, f"{step.tracks_left:,}")
    return table


def _missing(cleaned: "Cleaned", before: "Description") -> Table:
    """Return missing values of tracks, and then those of the dataset's tables, by column."""
    table = Table("missing", *_numbers("tracks", "of all"))
    for name, count in before.unknown.items():
        share = f"{count / before.tracks:.1%}" if before.tracks else ""
        table.add_row(name, f"{count:,}", share)
    table.add_section()
    for column, missing in cleaned.dataset.missing.items():
        if missing:
            table.add_row(cell(column), "", f"{missing:.1%}")
    return table


def _numbers(*headers: str) -> list[Column]:
    return [Column(header, justify="right") for header in headers]


def _draw(cleaned: "Cleaned", folder: Path) -> None:
    from app.datasets.plots import draw

    with err.status("drawing"):
        paths = draw(cleaned, folder)
    for path in paths:
        say(out, str(path))
