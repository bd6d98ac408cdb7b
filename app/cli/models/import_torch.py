"""`taggram models import-torch`: convert and publish a PyTorch checkpoint."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import err, log_to_stderr, plain_errors
from app.cli.models.shared import report_published
from app.cli.store_option import StoreUrl, open_store
from app.errors import SetupError


def import_torch(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="A PyTorch state dict.")],
    name: Annotated[str, typer.Option(help="The model's name.")],
    architecture: Annotated[str, typer.Option(help="The architecture that the weights belong to.")],
    tags: Annotated[
        Path, typer.Option(help="A file with one tag per line, in the order of the outputs.")
    ],
    family: Annotated[
        str,
        typer.Option(
            help="The name by which vocabularies refer to these tags; by default the model's name."
        ),
    ] = "",
    arguments: Annotated[str, typer.Option(help="The architecture's arguments, as JSON.")] = "{}",
    summary: Annotated[str, typer.Option(help="A description, in a sentence.")] = "",
    licence: Annotated[str, typer.Option(help="The licence of the release.")] = "",
    origin: Annotated[str, typer.Option("--url", help="The web page of the release.")] = "",
    citation: Annotated[str, typer.Option(help="The publication to cite.")] = "",
    dataset: Annotated[str | None, typer.Option(help="The dataset of its figures.")] = None,
    roc_auc: Annotated[float | None, typer.Option(help="Mean over tags, 0 to 1.")] = None,
    pr_auc: Annotated[float | None, typer.Option(help="Mean over tags, 0 to 1.")] = None,
    url: StoreUrl = None,
) -> None:
    """Convert a PyTorch checkpoint, and publish it as the next version."""
    log_to_stderr(logging.WARNING)
    from app.store.importers import importing
    from app.store.importers.labels import read_labels

    figures = {"dataset": dataset, "roc_auc": roc_auc, "pr_auc": pr_auc}
    evaluation = {key: value for key, value in figures.items() if value is not None}
    with plain_errors():
        store = open_store(url)
        released = importing.Released(
            name=name,
            architecture=architecture,
            tags=read_labels(tags),
            family=family,
            arguments=_arguments(arguments),
            summary=summary,
            url=origin,
            licence=licence,
            citation=citation,
            evaluation=evaluation or None,
        )
        with err.status("converting and checking"):
            manifest = importing.import_torch(store, checkpoint, released)
    report_published(store, manifest)


def _arguments(text: str) -> dict[str, object]:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SetupError(f"--arguments: {text!r:.80} is not valid JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise SetupError('--arguments: not a JSON object such as {"channels": [64, 128]}')
    return arguments
