"""`taggram data report`: all counts and pictures of datasets on one page."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import err, out, plain_errors, say
from app.cli.data.sources import (
    FmaSubset,
    Folder,
    JamendoSubset,
    OwnFolders,
    Sources,
    make_own_task,
)


def report(
    target_file: Annotated[
        Path, typer.Argument(metavar="OUT", help="The page, such as `datasets.html`.")
    ],
    fma: Folder = None,
    fma_subset: FmaSubset = "large",
    mtat: Folder = None,
    mtg_jamendo: Folder = None,
    mtg_jamendo_subset: JamendoSubset = "autotagging",
    folder: OwnFolders = None,
    task: Annotated[
        list[str],
        typer.Option(
            help="Also show how the datasets are merged and split for genres, subgenres, "
            "moodthemes, alltags or own. May be repeated."
        ),
    ] = [],  # noqa: B006 - typer only reads it
    target: Annotated[
        int | None,
        typer.Option(min=1, help="Also resample: tracks of each tag in an epoch of training."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of splits and resampling.")] = 1,
) -> None:
    """Write a page with the statistics of datasets: cleaning, merging, split and resampling."""
    with plain_errors():
        from app.datasets.report.document import make_document
        from app.datasets.tasks import OWN, read_task
        from app.files import write_atomically
        from app.report.html import render

        wanted = {name: None if name == OWN else read_task(name) for name in task}
        sources = Sources(fma, fma_subset, mtat, mtg_jamendo, mtg_jamendo_subset, folder or ())
        public, own = sources.load()
        tasks = [each or make_own_task(own) for each in wanted.values()]
        with err.status("counting and drawing"):
            document = make_document([*public, *own], tasks, target, seed)
            write_atomically(target_file, render(document).encode())
    names = ", ".join(each.dataset.name for each in [*public, *own])
    say(out, f"{target_file}: the report of {names}")
