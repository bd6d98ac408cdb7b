"""`taggram data split`: split tracks into training, validation and test, without leaks."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, out, plain_errors, say
from app.errors import SetupError

if TYPE_CHECKING:
    from app.datasets.splits.splitting import SplitResult
    from app.datasets.tracks import Merged, Split, SplitTrack

_SEEDS = 2**32 - 1


def split(
    source: Annotated[
        Path, typer.Argument(metavar="MERGED", help="A table of `taggram data merge`.")
    ],
    target_file: Annotated[
        Path, typer.Argument(metavar="OUT", help="The table, such as `split.parquet`.")
    ],
    seed: Annotated[int, typer.Option(min=0, max=_SEEDS, help="Of all random draws.")] = 1,
    shares: Annotated[
        tuple[float, float, float],
        typer.Option(help="Of training, validation, test; not for official splits."),
    ] = (0.85, 0.10, 0.05),
    target: Annotated[
        int | None, typer.Option(min=1, help="Tracks of each tag in an epoch of training.")
    ] = None,
    official: Annotated[
        str | None, typer.Option(help="mtat-clean, mtat-full, mtg-jamendo-0 to -4 or fma.")
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The dataset's metadata, for its official split."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write charts of the parts, and of the resampling, to this folder."
        ),
    ] = None,
) -> None:
    """Split tracks so that no track and no artist is in two parts; or use an official split."""
    with plain_errors():
        from app.datasets.splits.leaks import check_leaks
        from app.datasets.splits.resampling import resample
        from app.datasets.tables import read_merged, write_split

        merged = read_merged(source)
        with err.status("splitting"):
            divided = _divided(merged, shares, seed, official, metadata)
            shared = check_leaks(divided.split).artists
            sampled = resample(divided.split, target, seed) if target else divided.split
        write_split(target_file, sampled)
        if pictures:
            _draw(divided.split, sampled, pictures)
    out.print(_parts(divided))
    _say_warnings(divided, shared)
    if target:
        _show_resampling(divided.split, sampled, target)
    say(out, f"{target_file}: {sampled.name}, fingerprint {sampled.fingerprint[:16]}")


def _divided(
    merged: "Merged",
    shares: Sequence[float],
    seed: int,
    official: str | None,
    metadata: Path | None,
) -> "SplitResult":
    from app.datasets.loaders.official import official_split
    from app.datasets.splits import splitting

    if (official is None) != (metadata is None):
        raise SetupError(
            "--official and --metadata must be given together: the split and its metadata"
        )
    if official is None or metadata is None:
        return splitting.divide(merged, shares, seed)
    return splitting.official(merged, official_split(official, metadata), official)


def _parts(divided: "SplitResult") -> Table:
    from app.datasets.tracks import Subset

    table = Table("part", *_numbers("tracks", "artists", "tags without a positive"))
    for part in Subset:
        placed = divided.split.part(part)
        counts = (len(placed), _artists(placed), len(divided.lacking.get(part, ())))
        if placed:
            table.add_row(part.value, *map(_count, counts))
    return table


def _artists(placed: Iterable["SplitTrack"]) -> int:
    return len({each.track.artist or each.track.id for each in placed})


def _say_warnings(divided: "SplitResult", shared: Sequence[str]) -> None:
    for reason, count in divided.left_out.items():
        say(err, f"{count:,} tracks are left out: {reason}.")
    if divided.unknown_artists:
        say(
            err,
            f"{divided.unknown_artists:,} tracks have unknown artists, each its own.",
        )
    if shared:
        say(err, f"{len(shared):,} artists are in more than one part of this official split.")
    lacking = {tag: None for tags in divided.lacking.values() for tag in tags}
    if not lacking:
        return
    table = Table("tag", "has no positive in")
    for tag in filter(lacking.__contains__, divided.split.tags):
        parts = (part.value for part, tags in divided.lacking.items() if tag in tags)
        table.add_row(cell(tag), ", ".join(parts))
    err.print(table)


def _show_resampling(before: "Split", after: "Split", target: int) -> None:
    from app.datasets.splits.resampling import tag_counts
    from app.datasets.tracks import Subset

    was, now = (tag_counts(split.part(Subset.TRAIN)) for split in (before, after))
    if not was:
        say(err, "No training track has a tag, so there is nothing to resample.")
        return
    table = Table("tag", *_numbers("tracks", "per epoch"), title=f"training, {target:,} a tag")
    for tag in sorted(was, key=lambda tag: -was[tag]):
        table.add_row(cell(tag), _count(was[tag]), _count(now[tag]))
    out.print(table)
    ratios = [max(counts.values()) / min(counts.values()) for counts in (was, now)]
    say(out, f"Most frequent to rarest tag: {ratios[0]:.1f} to 1, now {ratios[1]:.1f} to 1.")
    if under := [tag for tag in was if now[tag] < target]:
        say(err, f"Tags with fewer than {target:,} tracks an epoch: {', '.join(sorted(under))}.")


def _draw(before: "Split", after: "Split", folder: Path) -> None:
    from app.datasets.plots import write_figures
    from app.datasets.task_plots import draw_split

    for path in write_figures(folder, before.task, draw_split(before, after)):
        say(out, str(path))


def _numbers(*headers: str) -> list[Column]:
    return [Column(header, justify="right") for header in headers]


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"
