"""`taggram data fetch`: fetch the files that a split needs, and remove others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from app.cli.console import ask, err, out, plain_errors, say, shown
from app.cli.data.reasons import show_reasons
from app.errors import SetupError

if TYPE_CHECKING:
    from app.datasets.audio.fetching import Fetched
    from app.datasets.audio.file_source import FileSource
    from app.datasets.audio.library import Library

NAMED = 20
"""The number of files to remove that are named one by one."""


def fetch(
    split: Annotated[Path, typer.Argument(help="A table of `taggram data split`.")],
    source: Annotated[
        list[str],
        typer.Option("--from", metavar="DATASET=FOLDER_OR_URL", help="Once for each dataset."),
    ],
    to: Annotated[Path, typer.Option("--to", help="The folder for all datasets' audio.")],
    checksums: Annotated[
        Path | None, typer.Option(help="A file with lines of `SHA-256  <dataset>/<path>`.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before removing.")] = False,
) -> None:
    """Fetch the files that a split needs, and after asking remove files of another split."""
    with plain_errors():
        from app.datasets.audio.fetching import needed
        from app.datasets.audio.file_source import FileSource
        from app.datasets.audio.library import open_library
        from app.datasets.tables import read_split

        sources = {name: FileSource(url) for name, url in map(_named, source)}
        wanted = needed(read_split(split))
        known = _known(checksums, wanted) if checksums else {}
        with open_library(to) as library:
            _remove(library, library.unneeded(wanted), yes=yes)
            fetched = _fetch(library, wanted, sources, known)
    say(out, f"{to}: {fetched.added:,} files fetched, {fetched.known:,} were fetched before.")
    show_reasons("not fetched", fetched.failed)
    if fetched.failed:
        say(err, f"{len(fetched.failed):,} files could not be fetched.", style="red")
        raise typer.Exit(1)


def _named(text: str) -> tuple[str, str]:
    dataset, equals, url = text.partition("=")
    if not (dataset and equals and url):
        raise typer.BadParameter(shown(f"--from {text}: expected DATASET=FOLDER_OR_URL"))
    return dataset, url


def _known(checksums: Path, wanted: Sequence[str]) -> dict[str, str]:
    """Read the checksums; report the number of files without one."""
    from app.datasets.audio.library import read_checksums

    known = read_checksums(checksums)
    unlisted = sum(path not in known for path in wanted)
    if unlisted == len(wanted):
        raise SetupError(f"{checksums}: it has no file of the split, such as {wanted[0]}")
    if unlisted:
        say(err, f"{checksums}: {unlisted:,} of {len(wanted):,} files are not in it.")
    return known


def _remove(library: "Library", paths: Sequence[str], *, yes: bool) -> None:
    """Remove files of another split, after listing them and asking."""
    from app.datasets.audio.library import LEDGER

    if not paths:
        return
    size = sum(library.ledger[path].size for path in paths)
    say(err, f"{len(paths):,} files ({size / 1e6:,.1f} MB) are not needed by this split:")
    for path in paths[:NAMED]:
        say(err, f"  {library.place(path)}")
    if further := len(paths[NAMED:]):
        say(err, f"  and {further:,} more, listed in {library.folder / LEDGER}")
    if yes or ask("Remove them?"):
        library.remove(paths)
        say(out, f"{library.folder}: {len(paths):,} files removed.")


def _fetch(
    library: "Library",
    wanted: Sequence[str],
    sources: "Mapping[str, FileSource]",
    checksums: Mapping[str, str],
) -> "Fetched":
    from app.datasets.audio.fetching import fetch

    columns = ("fetching", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("")

        def on_progress(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        return fetch(library, wanted, sources, checksums, on_progress)
