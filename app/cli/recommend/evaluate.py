"""`taggram recommend evaluate`: train models on the past, and compare them on what came after."""

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.catalogue.shared import WHERE
from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.recommend.options import Out
from app.cli.recommend.tables import (
    DEFAULT_MAX_INVALID_SHARE,
    DEFAULT_SUBGENRES,
    Data,
    MaxInvalidShare,
    Subgenres,
    read_tables,
)
from app.cli.recommend.vectors import Tagger, Vocabularies, read_vectors
from app.errors import SetupError
from app.files import locked_folder, write_atomically

if TYPE_CHECKING:
    from app.recommender.data import TagVectors
    from app.recommender.evaluation import Figure
    from app.recommender.models.base import Training
    from app.recommender.results import Results
    from app.recommender.split import Split

SHOWN = ("auc_sent", "ndcg@10", "missed_shots@10", "rmse")
"""The metrics that are printed."""

CHECKPOINTS = "checkpoints"
"""The folder in `--out` from which training that was killed goes on."""


def evaluate(
    data: Data,
    to: Out,
    catalogue: Annotated[
        str | None,
        typer.Option("--catalogue", metavar="DIR_OR_URL", help=f"For tags. {WHERE}"),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="A model to evaluate; repeatable; by default all."),
    ] = None,
    tagger: Tagger = None,
    vocabularies: Vocabularies = None,
    test_share: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="The share of interactions, the latest.")
    ] = 0.2,
    at: Annotated[
        datetime | None, typer.Option(help="Evaluate on interactions from this time on, in UTC.")
    ] = None,
    likes_all: Annotated[
        float, typer.Option(help="The weight of the penalty for curators who like all.")
    ] = 0.0,
    selectiveness: Annotated[
        float, typer.Option(help="The weight of the bonus for selective curators.")
    ] = 0.0,
    subgenre_match: Annotated[
        float, typer.Option(help="The weight of the match of subgenres in the target.")
    ] = 0.0,
    tag_match: Annotated[
        float, typer.Option(help="The weight of the match of tag vectors in the target.")
    ] = 0.0,
    subgenres: Subgenres = DEFAULT_SUBGENRES,
    max_invalid_share: MaxInvalidShare = DEFAULT_MAX_INVALID_SHARE,
) -> None:
    """Compare models on the latest interactions: a table, metrics.json and a report."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        import numpy as np

        from app.recommender.models.base import prepare_training
        from app.recommender.models.registry import MODELS, NEED_TAGS, PAIRS, make_models
        from app.recommender.results import collect, describe, write_results
        from app.recommender.results_report import make_report, verdicts
        from app.recommender.split import split_by_time
        from app.recommender.target import TargetWeights
        from app.report.html import render

        names = models or [name for name in MODELS if catalogue or name not in NEED_TAGS]
        make_models(models or [])  # refuses unknown names before anything is read
        platform = read_tables(data, subgenres, max_invalid_share)
        vectors = None
        if catalogue is not None:
            vectors = read_vectors(catalogue, tagger, vocabularies, platform)
        split = split_by_time(platform, test_share, None if at is None else np.datetime64(at, "us"))
        weights = TargetWeights(likes_all, selectiveness, subgenre_match, tag_match)
        training = prepare_training(split.platform, vectors, weights)
        with locked_folder(to):
            figures = []
            for name in names:
                try:
                    figures += _evaluate(name, split, training, to / CHECKPOINTS)
                except SetupError as error:
                    if models:
                        raise
                    say(err, f"{name} is left out: {error}")
            about = describe(split, _source(vectors)) | {"target_weights": vars(weights)}
            results = collect(figures, PAIRS, about)
            write_results(to, results)
            write_atomically(to / "report.html", render(make_report(results)).encode())
    _show(results)
    for text in verdicts(results):
        say(out, text)
    say(out, f"all figures: {to / 'metrics.json'}; report: {to / 'report.html'}")


def _evaluate(name: str, split: "Split", training: "Training", checkpoints: Path) -> "list[Figure]":
    """Train and evaluate a model; one with epochs goes on from the last one.

    Raises:
        SetupError: The data or a library lacks what the model needs.
    """
    from app.recommender.evaluation import evaluate as evaluate_model
    from app.recommender.models.base import TrainsInEpochs
    from app.recommender.models.registry import make_models

    (model,) = make_models([name])
    with err.status(f"training {name}") as status:
        if isinstance(model, TrainsInEpochs):
            model.checkpoints = checkpoints
            model.on_epoch = lambda epoch, loss: status.update(
                f"training {name}: epoch {epoch}, loss {loss:.4f}"
            )
        model.fit(training)
    with err.status(f"evaluating {name}"):
        return evaluate_model(model, split)


def _source(vectors: "TagVectors | None") -> str:
    return "none" if vectors is None else str(vectors.source)


def _show(results: "Results") -> None:
    """Print the main metrics of all models and slices."""
    table = Table("model", "slice", *(Column(name, justify="right") for name in SHOWN))
    for part in results.slices:
        for model in results.models:
            found = [results.figures.get((model, part, metric)) for metric in SHOWN]
            values = [
                "" if each is None or each.interval.value is None else f"{each.interval.value:.3f}"
                for each in found
            ]
            table.add_row(cell(model), cell(part), *values)
    out.print(table)
