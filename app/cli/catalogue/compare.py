"""`taggram catalogue compare`: what a change of the model does to tags."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.catalogue.shared import WHERE, Catalogue
from app.cli.console import cell, err, out, plain_errors, read_settings, say
from app.files import write_atomically

if TYPE_CHECKING:
    from app.catalogue.compare import Comparison, Side
    from app.catalogue.storage import Storage
    from app.domain import ModelRef
    from app.tagging.projection import Projection

ROWS = 20
"""Rows of a table on the terminal; the JSON file has all."""


def compare(
    place: Catalogue,
    old: Annotated[str, typer.Argument(help="The old model: `name/version`.")],
    new: Annotated[str, typer.Argument(help="The new model.")],
    new_place: Annotated[
        str | None,
        typer.Option("--new-catalogue", metavar="DIR_OR_URL", help=f"That of NEW. {WHERE}"),
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(help="Compare the suggestions of this vocabulary instead of raw tags."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--json", help="Write the whole comparison to this file.")
    ] = None,
) -> None:
    """Compare the tags of two models, or of two versions of one, on the files that both scored."""
    with plain_errors():
        from app.catalogue.compare import compare as compare_models
        from app.catalogue.storage import open_storage

        catalogue = open_storage(place)
        other = open_storage(new_place) if new_place else catalogue
        with err.status("comparing"):
            sides = make_sides((catalogue, old), (other, new), vocabulary)
            comparison = compare_models(*sides)
        if to:
            write_atomically(to, json.dumps(asdict(comparison), indent=2).encode() + b"\n")
    _show(comparison)


def make_sides(
    old: "tuple[Storage, str]", new: "tuple[Storage, str]", vocabulary: str | None
) -> "tuple[Side, Side]":
    """Return both models with their raw tags, or with those of a vocabulary."""
    from app.catalogue.compare import raw_side, vocabulary_sides
    from app.catalogue.scored import find_model

    found = [(catalogue, find_model(catalogue, name)) for catalogue, name in (old, new)]
    if vocabulary is None:
        before, after = (raw_side(*each) for each in found)
        return before, after
    first, second = ((out, _projection(ref, vocabulary)) for out, ref in found)
    return vocabulary_sides(first, second)


def _projection(ref: "ModelRef", vocabulary: str) -> "Projection":
    """Return the vocabulary for a model of the store."""
    from app.model_catalog import read_catalog

    settings = read_settings().model_copy(update={"models": (str(ref),), "vocabulary_models": ()})
    return read_catalog(settings).projection(vocabulary, ref.name)


def _show(comparison: "Comparison") -> None:
    """Print the comparison, the longest tables shortened."""
    say(
        out,
        f"{comparison.old} -> {comparison.new}: {comparison.files:,} files, "
        f"{comparison.only_old:,} with scores of the old model alone, "
        f"{comparison.only_new:,} of the new one",
    )
    say(out, f"The best tag of {comparison.top_changed:.1%} of the files changes.")
    for side, tags in (("old", comparison.only_old_tags), ("new", comparison.only_new_tags)):
        if tags:
            say(out, f"Not compared, as the {side} model alone knows them: {', '.join(tags)}")
    _show_tops(comparison)
    _show_tags(comparison)
    _show_tracks(comparison)


def _show_tops(comparison: "Comparison") -> None:
    table = Table("best tag before", "after", Column("files", justify="right"))
    for change in comparison.top_changes[:ROWS]:
        table.add_row(cell(change.old), cell(change.new), f"{change.tracks:,}")
    if comparison.top_changes:
        out.print(table)


def _show_tags(comparison: "Comparison") -> None:
    from app.catalogue.compare import TOP

    numbers = ("mean before", "after", "shift", f"gained in top {TOP}", "lost")
    table = Table("tag", *(Column(name, justify="right") for name in numbers))
    for tag in comparison.tags[:ROWS]:
        means = (f"{tag.old_mean:.3f}", f"{tag.new_mean:.3f}", f"{tag.shift:+.3f}")
        table.add_row(cell(tag.tag), *means, f"{tag.gained:.1%}", f"{tag.lost:.1%}")
    out.print(table)


def _show_tracks(comparison: "Comparison") -> None:
    table = Table(
        Column("changes most", overflow="fold"), Column("mean change", justify="right"),
        "tags before", "after",
    )  # fmt: skip
    for track in comparison.tracks:
        tags = (cell(", ".join(tags)) for tags in (track.old, track.new))
        table.add_row(cell(track.external_id), f"{track.change:.3f}", *tags)
    out.print(table)
