"""`taggram catalogue duplicates`: list tracks that are probably the same recording."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.catalogue.shared import Catalogue
from app.cli.console import cell, err, out, plain_errors, say
from app.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.catalogue.duplicates import Group

DISTANCE = 0.01
"""Most encodings of a song are nearer than that: see `python -m loadtests.quality.duplicates`."""

GROUPS = 20
"""Groups on the terminal; the JSON file has all."""


def duplicates(
    place: Catalogue,
    model: Annotated[
        str | None, typer.Option(help="The model with embeddings; needed if there are several.")
    ] = None,
    distance: Annotated[
        float, typer.Option(min=0.0, max=2.0, help="The largest cosine distance of two encodings.")
    ] = DISTANCE,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write all groups to this file.")
    ] = None,
) -> None:
    """List identical files, and files with nearly the same embedding; nothing is removed."""
    with plain_errors():
        from app.catalogue.duplicates import find_duplicates
        from app.catalogue.scored import find_model, model_with_embeddings
        from app.catalogue.storage import open_storage

        catalogue = open_storage(place)
        ref = find_model(catalogue, model) if model else model_with_embeddings(catalogue)
        with err.status("comparing embeddings"):
            groups = find_duplicates(catalogue, ref, distance)
        if to:
            listed = [{"identical": group.is_identical, **asdict(group)} for group in groups]
            about = {"model": str(ref), "distance": distance, "groups": listed}
            write_atomically(to, json.dumps(about, indent=2).encode() + b"\n")
    _show(groups)


def _show(groups: "Sequence[Group]") -> None:
    tracks = sum(len(group.members) for group in groups)
    identical = sum(group.is_identical for group in groups)
    say(
        out,
        f"{len(groups):,} groups with {tracks:,} tracks; in {identical:,} groups all files are "
        "identical",
    )
    numbers = (Column(name, justify="right") for name in ("seconds", "distance"))
    table = Table(
        "kind", Column("track", overflow="fold"), *numbers, Column("file", overflow="fold")
    )
    for group in groups[:GROUPS]:
        files = Counter(member.track_id for member in group.members)
        for member in group.members:
            kind = "identical" if files[member.track_id] > 1 else "near"
            times = f"{member.duration_s:.1f}", f"{member.distance:.4f}"
            table.add_row(kind, cell(member.external_id), cell(member.uri), *times)
        table.add_section()
    if groups:
        out.print(table)
