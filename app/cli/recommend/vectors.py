"""Reads tag vectors from a catalogue, as several commands do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import err, read_settings, say
from app.errors import SetupError
from app.model_catalog import read_catalog

if TYPE_CHECKING:
    from app.recommender.data import Platform, TagVectors

Tagger = Annotated[
    str | None,
    typer.Option("--tagger", help="A model whose raw tags to use, as `name` or `name/version`."),
]
Vocabularies = Annotated[
    list[str] | None,
    typer.Option("--vocabularies", help="A vocabulary whose tags to use instead; repeatable."),
]


def read_vectors(
    place: str,
    tagger: str | None,
    vocabularies: Sequence[str] | None,
    platform: "Platform | None" = None,
) -> "TagVectors":
    """Return the tag vectors of a catalogue's tracks, and report the tracks without one.

    Args:
        place: The catalogue: a folder, or a URL in an object store.
        tagger: The model whose raw tags to use; None for the only one.
        vocabularies: The vocabularies whose tags to use; None for raw tags.
        platform: The tables whose tracks need a vector.

    Raises:
        SetupError: The catalogue lacks the scores, can't be read, or has no track of the platform.
    """
    from app.catalogue.storage import open_storage
    from app.recommender.tag_vectors import choose_model, read_projected, read_raw

    catalogue = open_storage(place)
    with err.status("reading the catalogue"):
        if vocabularies:
            catalog = read_catalog(read_settings())
            projections = [catalog.projection(name, tagger) for name in vocabularies]
            vectors = read_projected(catalogue, projections)
        else:
            vectors = read_raw(catalogue, choose_model(catalogue, tagger))
    if unusable := vectors.unusable:
        say(
            err,
            f"{len(unusable):,} tracks, such as {unusable[0]}, have scores that are all zero or "
            "not finite; they have no tag vector",
        )
    if platform is not None:
        _report_unscored(vectors, platform)
    return vectors


def source_of(vectors: "TagVectors | None") -> str:
    """Return what computed tag vectors, for the file of results."""
    return "none" if vectors is None else str(vectors.source)


def _report_unscored(vectors: "TagVectors", platform: "Platform") -> None:
    """Print how many tracks have no tag vector, with an example.

    Raises:
        SetupError: No track has one.
    """
    from app.recommender.data import UNKNOWN

    rows = vectors.rows_of(platform.tracks)
    unscored = [
        name for name, row in zip(platform.tracks.external_ids, rows, strict=True) if row == UNKNOWN
    ]
    if len(unscored) == len(rows):
        raise SetupError(
            "no track of the platform is in the catalogue; expected the same external_id, or the "
            "SHA-256 of the file as track_id, in both"
        )
    if unscored:
        example = f"{len(unscored):,} of {len(rows):,} tracks, such as {unscored[0]}"
        say(err, f"{example}, have no tag vector")
