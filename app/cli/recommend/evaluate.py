"""`taggram recommend evaluate`: train models on the past, and compare them on what came after."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, log_to_stderr, out, plain_errors, say
from app.cli.recommend.comparing import (
    DEFAULT_TEST_SHARE,
    At,
    LikesAll,
    Request,
    Selectiveness,
    SubgenreMatch,
    TagCatalogue,
    TagMatch,
    TestShare,
    compare,
    read,
)
from app.cli.recommend.options import Out
from app.cli.recommend.tables import (
    DEFAULT_MAX_INVALID_SHARE,
    DEFAULT_SUBGENRES,
    Data,
    MaxInvalidShare,
    Subgenres,
)
from app.cli.recommend.vectors import Tagger, Vocabularies
from app.files import locked_folder, write_atomically

if TYPE_CHECKING:
    from app.recommender.data import TagVectors
    from app.recommender.results import Results

SHOWN = ("auc_sent", "ndcg@10", "missed_shots@10", "rmse")
"""The metrics that are printed."""

CHECKPOINTS = "checkpoints"
"""The folder in `--out` from which training that was killed goes on."""


def evaluate(
    data: Data,
    to: Out,
    catalogue: TagCatalogue = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="A model to evaluate; repeatable; by default all."),
    ] = None,
    tagger: Tagger = None,
    vocabularies: Vocabularies = None,
    test_share: TestShare = DEFAULT_TEST_SHARE,
    at: At = None,
    likes_all: LikesAll = 0.0,
    selectiveness: Selectiveness = 0.0,
    subgenre_match: SubgenreMatch = 0.0,
    tag_match: TagMatch = 0.0,
    subgenres: Subgenres = DEFAULT_SUBGENRES,
    max_invalid_share: MaxInvalidShare = DEFAULT_MAX_INVALID_SHARE,
) -> None:
    """Compare models on the latest interactions: a table, metrics.json and a report."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.recommender.models.registry import MODELS, NEED_TAGS, PAIRS, make_models
        from app.recommender.results import collect, describe, write_results
        from app.recommender.results_report import make_report, verdicts
        from app.recommender.target import TargetWeights
        from app.report.html import render

        names = models or [name for name in MODELS if catalogue or name not in NEED_TAGS]
        make_models(models or [])  # refuses unknown names before anything is read
        weights = TargetWeights(likes_all, selectiveness, subgenre_match, tag_match)
        places = (data, catalogue, tagger, vocabularies)
        comparison = read(Request(*places, test_share, at, weights, subgenres, max_invalid_share))
        with locked_folder(to):
            figures = compare(names, comparison, to / CHECKPOINTS, must_suit=bool(models))
            about = describe(comparison.split, _source(comparison.vectors))
            results = collect(figures, PAIRS, about | {"target_weights": vars(weights)})
            write_results(to, results)
            write_atomically(to / "report.html", render(make_report(results)).encode())
    _show(results)
    for text in verdicts(results):
        say(out, text)
    say(out, f"all figures: {to / 'metrics.json'}; report: {to / 'report.html'}")


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
