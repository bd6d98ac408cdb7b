"""`taggram data store`: decode the audio of a split once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from app.cli.console import err, out, plain_errors, say
from app.cli.data.reasons import show_reasons
from app.cpus import usable_cpus

if TYPE_CHECKING:
    from app.datasets.audio.storing import Stored
    from app.datasets.tracks import Track


def store(
    split: Annotated[Path, typer.Argument(help="A table of `taggram data split`.")],
    audio: Annotated[Path, typer.Option(help="The folder with <dataset>/<path> of each track.")],
    to: Annotated[Path, typer.Option("--to", help="The audio store; existing tracks are kept.")],
    sample_rate: Annotated[int, typer.Option(min=8_000, max=48_000, help="In Hz.")] = 16_000,
    channels: Annotated[
        int, typer.Option(min=1, max=2, help="2 for models of stereo samples.")
    ] = 1,
    jobs: Annotated[
        int, typer.Option(min=1, help="Number of files decoded at a time.")
    ] = usable_cpus(),
) -> None:
    """Decode the tracks of a split, to mono by default; a stopped run can be resumed."""
    with plain_errors():
        from app.datasets.tables import read_split

        tracks = [each.track for each in read_split(split).placed if each.repeats]
        stored = _store(tracks, audio, to, sample_rate, jobs, channels)
    paths = {each.id: f"{each.dataset}/{each.path}" for each in tracks}
    show_reasons("skipped", {paths[track]: why for track, why in stored.refused.items()})
    show_reasons("not read", {paths[track]: why for track, why in stored.unread.items()})
    say(
        out,
        f"{to}: {stored.added:,} tracks decoded, {stored.known:,} were decoded before, "
        f"{len(stored.refused):,} skipped.",
    )
    if stored.unread:
        say(err, f"{len(stored.unread):,} files under {audio} can't be read.", style="red")
        raise typer.Exit(1)


def _store(
    tracks: "Sequence[Track]", audio: Path, to: Path, sample_rate: int, jobs: int, channels: int
) -> "Stored":
    from app.datasets.audio.storing import store_tracks

    columns = ("decoding", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("")

        def on_progress(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        return store_tracks(
            tracks,
            audio,
            to,
            sample_rate=sample_rate,
            jobs=jobs,
            on_progress=on_progress,
            channels=channels,
        )
