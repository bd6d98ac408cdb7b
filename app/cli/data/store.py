"""`taggram data store`: the audio of a split, decoded once."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from app.cli.console import err, out, plain_errors, say


def store(
    split: Annotated[Path, typer.Argument(help="A table of `taggram data split`.")],
    audio: Annotated[Path, typer.Option(help="Where <dataset>/<path> of each track is.")],
    to: Annotated[Path, typer.Option("--to", help="The audio store; it gets what it lacks.")],
    sample_rate: Annotated[int, typer.Option(min=8_000, max=48_000)] = 16_000,
    jobs: Annotated[int, typer.Option(min=1, help="Files decoded at a time.")] = os.cpu_count()
    or 1,
) -> None:
    """Decode the tracks of a split to mono; a run that was stopped goes on."""
    with plain_errors():
        from app.training.storing import store_tracks
        from app.training.tables import read_split

        tracks = [each.track for each in read_split(split).placed if each.copies]
        columns = ("decoding", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as progress:
            bar = progress.add_task("", total=len(tracks))
            stored = store_tracks(
                tracks,
                audio,
                to,
                sample_rate=sample_rate,
                jobs=jobs,
                watch=lambda done, total: progress.update(bar, completed=done, total=total),
            )
    _show_skipped({each.id: (each.dataset, each.path) for each in tracks}, stored.refused)
    say(out, f"{to}: {stored.added:,} tracks decoded, {stored.known:,} were there already.")
    if stored.missing:
        first = ", ".join(f"{each.dataset}/{each.path}" for each in stored.missing[:3])
        say(err, f"{len(stored.missing):,} have no file under {audio}, as {first}", style="red")
        raise typer.Exit(1)


def _show_skipped(paths: dict[str, tuple[str, str]], refused: dict[str, str]) -> None:
    if not refused:
        return
    table = Table("skipped", "why")
    for key, why in sorted(refused.items(), key=lambda item: paths[item[0]]):
        table.add_row("/".join(paths[key]), why)
    err.print(table)
