"""`taggram models import-network`: publish a network of another project."""

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.console import err, log_to_stderr, plain_errors
from app.cli.models.shared import report_published
from app.cli.store_option import StoreUrl, open_store
from app.errors import SetupError


def import_network(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An .onnx, .tflite, frozen .pb or OpenVINO .xml file, or a SavedModel's folder.",
        ),
    ],
    name: Annotated[str, typer.Option(help="The model's name.")],
    licence: Annotated[str, typer.Option(help="The licence of the network.")],
    metadata: Annotated[
        Path | None, typer.Option(help="Essentia's metadata file, with the labels.")
    ] = None,
    tags: Annotated[
        Path | None,
        typer.Option(
            help="The labels in the order of the outputs: one per line, or a CSV file with a "
            "column display_name, label, tag or name."
        ),
    ] = None,
    front_end: Annotated[
        str | None, typer.Option(metavar="PRESET|FILE.toml", help="The front end of its training.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="For a head: the model with the embedding that is its input."
        ),
    ] = None,
    input_: Annotated[
        str | None, typer.Option("--input", help="The input, if there are several.")
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="The output with the scores, if there are several.")
    ] = None,
    embedding: Annotated[
        str | None, typer.Option(help="The tensor with the embedding, for heads and `teach`.")
    ] = None,
    activation: Annotated[
        Literal["none", "sigmoid", "softmax"],
        typer.Option(help="Applied to the output of a network that ends in logits."),
    ] = "none",
    non_commercial: Annotated[
        bool,
        typer.Option("--non-commercial", help="The licence does not allow commercial use."),
    ] = False,
    family: Annotated[
        str,
        typer.Option(
            help="The name by which vocabularies refer to these tags, such as audioset or discogs; "
            "by default the model's name."
        ),
    ] = "",
    summary: Annotated[str, typer.Option(help="A description, in a sentence.")] = "",
    origin: Annotated[str, typer.Option("--url", help="The web page of the release.")] = "",
    citation: Annotated[str, typer.Option(help="The publication to cite.")] = "",
    url: StoreUrl = None,
) -> None:
    """Convert a network of another project, check its scores, and publish it."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        if metadata and tags:
            raise SetupError("--metadata and --tags exclude each other: pass one of them")
        from app.store.importers.networks import importing

        store = open_store(url)
        source = importing.NetworkSource(
            file=file,
            name=name,
            licence=licence,
            commercial_use=not non_commercial,
            metadata=metadata,
            tags=tags,
            front_end=front_end,
            on=on,
            input=input_,
            output=output,
            embedding=embedding,
            activation=activation,
            family=family,
            summary=summary,
            url=origin,
            citation=citation,
        )
        with err.status("converting and checking"):
            manifest = importing.import_network(store, source)
    report_published(store, manifest)
