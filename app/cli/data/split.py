"""`taggram data split`: training, validation and test, without leaks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from app.cli.console import err, out, plain_errors, say

if TYPE_CHECKING:
    from app.training.splitting import Divided
    from app.training.tracks import Split


def split(
    merged: Annotated[Path, typer.Argument(help="A table of `taggram data merge`.")],
    target_file: Annotated[Path, typer.Argument(metavar="OUT.parquet")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
    shares: Annotated[
        tuple[float, float, float], typer.Option(help="Of training, validation, test.")
    ] = (0.85, 0.10, 0.05),
    target: Annotated[
        int | None, typer.Option(min=1, help="Tracks a tag that an epoch of training hears.")
    ] = None,
    official: Annotated[
        str | None, typer.Option(help="mtat-clean, mtat-full, mtg-jamendo-0 to -4 or fma, instead.")
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option(help="The dataset's folder, for an official split.")
    ] = None,
) -> None:
    """Divide tracks so that no track and no artist is in two parts."""
    with plain_errors():
        from app.errors import SetupError
        from app.training import splitting
        from app.training.datasets.official import official_split
        from app.training.leaks import check_leaks, find_leaks
        from app.training.resampling import resample
        from app.training.tables import read_merged, write_split

        tracks = read_merged(merged)
        if official is None:
            divided = splitting.divide(tracks, shares, seed)
        elif metadata is None:
            raise SetupError("--official: name the dataset's folder by --metadata too")
        else:
            divided = splitting.official(tracks, official_split(official, metadata), official)
        check_leaks(divided.split)
        artists = len(find_leaks(divided.split).artists)
        made = resample(divided.split, target, seed) if target else divided.split
        write_split(target_file, made)
    _show_parts(divided)
    if artists:
        say(err, f"{artists} artists are in more than one part of this official split.")
    if target:
        _show_resampling(divided.split, made, target)
    say(out, f"{target_file}: {made.name}, fingerprint {made.fingerprint[:16]}.")


def _show_parts(divided: "Divided") -> None:
    from app.training.tracks import Part

    table = Table("part", "tracks", "artists", "tags without a positive")
    for part in Part:
        placed = divided.split.part(part)
        if placed:
            artists = {each.track.artist or each.track.id for each in placed}
            lacking = ", ".join(divided.lacking.get(part, ()))
            table.add_row(part.value, f"{len(placed):,}", f"{len(artists):,}", lacking or "none")
    out.print(table)
    for reason, count in divided.left_out.items():
        if count:
            say(err, f"left out, {reason}: {count:,}")
    if divided.unknown_artists:
        say(err, f"of unknown artists, each taken for another one: {divided.unknown_artists:,}")


def _show_resampling(before: "Split", after: "Split", target: int) -> None:
    from app.training.resampling import tag_counts
    from app.training.tracks import Part

    was, now = (tag_counts(split.part(Part.TRAIN)) for split in (before, after))
    table = Table("tag", "tracks", "heard in an epoch", title=f"training, {target:,} a tag")
    for tag in sorted(was, key=lambda tag: -was[tag]):
        short = " (less than wished)" if now[tag] < target else ""
        table.add_row(tag, f"{was[tag]:,}", f"{now[tag]:,}{short}")
    out.print(table)
    ratios = [max(counts.values()) / min(counts.values()) for counts in (was, now)]
    say(out, f"The most frequent tag has {ratios[0]:.1f} times the rarest, now {ratios[1]:.1f}.")
