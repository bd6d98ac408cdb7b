"""Shared by the subcommands of `taggram catalogue`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, out, say
from app.settings import Settings

if TYPE_CHECKING:
    from app.catalogue.storage import Storage
    from app.catalogue.summary import Summary
    from app.tagging.projection import Projection

WHERE = "The catalogue: a folder, or a URL in an object store, as s3://bucket/catalogue."
Out = Annotated[str, typer.Option("--out", metavar="DIR_OR_URL", help=WHERE)]
Catalogue = Annotated[str, typer.Argument(metavar="DIR_OR_URL", help=WHERE)]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--models", help="`name` or `name/version`; repeatable; by default TAGGRAM_MODELS."
    ),
]
Vocabularies = Annotated[
    list[str],
    typer.Option("--vocabularies", help="A vocabulary to suggest from; repeatable."),
]
DEFAULT_VOCABULARIES = ["subgenres"]


def choose_models(settings: Settings, models: list[str] | None) -> Settings:
    """Return settings with these models, which all vocabularies may use; None changes nothing."""
    if models is None:
        return settings
    return settings.model_copy(update={"models": tuple(models), "vocabulary_models": ()})


def derive_all(catalogue: "Storage", projections: "Sequence[Projection]") -> None:
    """Write the suggestions of vocabularies, and print the number of tracks.

    Raises:
        SetupError: As for `app.catalogue.derive.derive`.
    """
    from app.catalogue.derive import derive

    for projection in projections:
        vocabulary = projection.vocabulary
        with err.status(f"deriving {vocabulary.name}"):
            tracks = derive(catalogue, projection)
        say(
            out,
            f"{vocabulary.name}, version {vocabulary.version}: suggestions of {tracks:,} tracks",
        )


def show_failures(summary: "Summary") -> None:
    """Print the number of failures by status with an example, unless there are none."""
    if not summary.failures:
        return
    table = Table("failed", "tracks", Column("such as", overflow="fold"), "why")
    for status, count in summary.failures.most_common():
        place, detail = summary.examples[status]
        table.add_row(cell(status), f"{count:,}", cell(place), cell(detail))
    err.print(table)
