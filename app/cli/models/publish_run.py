"""`taggram models publish-run`: publish a trained model."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import err, log_to_stderr, plain_errors
from app.cli.models.shared import report_published
from app.cli.store_option import StoreUrl, open_store


def publish_run(
    run: Annotated[Path, typer.Argument(help="A folder of `taggram train`.")],
    name: Annotated[str | None, typer.Option(help="The model's name.")] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="evaluation.json of `taggram evaluate`.")
    ] = None,
    licence: Annotated[str, typer.Option(help="The model's licence.")] = "",
    citation: Annotated[str, typer.Option(help="The publication to cite.")] = "",
    url: StoreUrl = None,
) -> None:
    """Publish a trained model, with its vocabulary, figures, thresholds and calibration."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.evaluation.evaluation_file import read_evaluation
        from app.training.run import publishing

        store = open_store(url)
        figures = read_evaluation(evaluation) if evaluation else None
        with err.status("checking"):
            manifest = publishing.publish_run(
                store, run, name=name, evaluation=figures, licence=licence, citation=citation
            )
    report_published(store, manifest)
