"""The datasets that several subcommands read, and their options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from app.cli.console import err
from app.cli.data.reasons import say_skipped
from app.errors import SetupError

if TYPE_CHECKING:
    from app.datasets.cleaning import Cleaned
    from app.datasets.loaders.dataset import Dataset
    from app.datasets.tasks import Task

Folder = Annotated[Path | None, typer.Option(metavar="FOLDER", help="The folder of its metadata.")]
FmaSubset = Annotated[str, typer.Option(help="small, medium, large or full.")]
JamendoSubset = Annotated[
    str, typer.Option(help="autotagging, genre, instrument, moodtheme or top50tags.")
]
OwnFolders = Annotated[
    list[Path] | None, typer.Option(help="Your own tracks: a folder, or a CSV file.")
]


@dataclass(frozen=True)
class Sources:
    """The folders of datasets that a command was given; None or empty for others."""

    fma: Path | None
    fma_subset: str
    mtat: Path | None
    mtg_jamendo: Path | None
    mtg_jamendo_subset: str
    folder: Sequence[Path]

    def load(self) -> tuple[list["Cleaned"], list["Cleaned"]]:
        """Return the cleaned public datasets, and those of own tracks.

        Raises:
            SetupError: None was given, or one can't be read.
        """
        from app.datasets.loaders import fma, mtat, mtg_jamendo
        from app.datasets.loaders import folder as own

        known = (
            (self.fma, partial(fma.load, subset=self.fma_subset)),
            (self.mtat, mtat.load),
            (self.mtg_jamendo, partial(mtg_jamendo.load, subset=self.mtg_jamendo_subset)),
        )
        public = [partial(load, path) for path, load in known if path]
        cleaned = _cleaned([*public, *(partial(own.load, path) for path in self.folder)])
        return cleaned[: len(public)], cleaned[len(public) :]


def make_own_task(own: Sequence["Cleaned"]) -> "Task":
    """Return the task of the tags of own tracks.

    Raises:
        SetupError: They have none.
    """
    from app.datasets.tasks import own_task

    task = own_task(word for each in own for track in each.tracks for word in track.tags)
    if not task.tags:
        raise SetupError("--task own needs the tags of your own tracks; add --folder")
    return task


def _cleaned(loads: Sequence[Callable[[], "Dataset"]]) -> list["Cleaned"]:
    from app.datasets.cleaning import clean

    if not loads:
        raise SetupError("no dataset was given; use --fma, --mtat, --mtg-jamendo or --folder")
    cleaned = []
    with Progress(console=err, transient=True) as progress:
        # Not `progress.track`: if a dataset is refused, its thread may never end.
        bar = progress.add_task("datasets", total=len(loads))
        for load in loads:
            dataset = load()
            say_skipped(dataset.skipped)
            cleaned.append(clean(dataset))
            progress.advance(bar)
    return cleaned
