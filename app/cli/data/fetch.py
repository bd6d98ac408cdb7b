"""`taggram data fetch`: the files that a split needs, and no others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from app.cli.console import err, out, plain_errors, say

if TYPE_CHECKING:
    from app.training.fetching import Library


def fetch(
    split: Annotated[Path, typer.Argument(help="A table of `taggram data split`.")],
    source: Annotated[
        list[str],
        typer.Option("--from", metavar="DATASET=FOLDER_OR_URL", help="Once for each dataset."),
    ],
    to: Annotated[Path, typer.Option("--to", help="The folder of all datasets' audio.")],
    checksums: Annotated[
        Path | None, typer.Option(help="Lines of `SHA-256  <dataset>/<path>`.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before removing.")] = False,
) -> None:
    """Copy what a split needs, and remove what was fetched for another one; asks before."""
    with plain_errors():
        from app.training import fetching
        from app.training.tables import read_split

        placed = read_split(split).placed
        wanted = [f"{each.track.dataset}/{each.track.path}" for each in placed if each.copies]
        known = fetching.read_checksums(checksums) if checksums else {}
        library = fetching.open_library(to)
        _remove(library, library.unneeded(wanted), yes=yes)
        columns = ("fetching", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as progress:
            bar = progress.add_task("", total=len(wanted))
            fetched = fetching.fetch(
                library,
                wanted,
                dict(_source(each) for each in source),
                known,
                lambda done: progress.update(bar, completed=done),
            )
    say(out, f"{to}: {fetched.brought:,} files brought, {fetched.known:,} were there already.")
    if fetched.failed:
        table = Table("did not come", "why")
        for path, why in sorted(fetched.failed.items()):
            table.add_row(path, why)
        err.print(table)
        say(err, f"{len(fetched.failed):,} files did not come", style="red")
        raise typer.Exit(1)


def _source(text: str) -> tuple[str, str]:
    dataset, equals, url = text.partition("=")
    if not equals or not dataset or not url:
        raise typer.BadParameter(f"--from {text}: expected DATASET=FOLDER_OR_URL")
    return dataset, url


def _remove(library: "Library", paths: list[str], *, yes: bool) -> None:
    if not paths:
        return
    size = sum(library.ledger[path].size for path in paths)
    asked = (
        f"{len(paths):,} files ({size / 1e6:,.1f} MB) are not needed by this split. Remove them?"
    )
    if yes or typer.confirm(asked, err=True):
        library.remove(paths)
        say(out, f"{len(paths):,} files removed.")
