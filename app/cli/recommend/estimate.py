"""`taggram recommend estimate`: what another ranking would have been worth, from a log."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.recommend.comparing import (
    CHECKPOINTS,
    DEFAULT_TEST_SHARE,
    At,
    Request,
    TagCatalogue,
    TestShare,
    read,
    train_model,
)
from app.cli.recommend.options import Out
from app.cli.recommend.tables import (
    DEFAULT_MAX_INVALID_SHARE,
    DEFAULT_SUBGENRES,
    Data,
    MaxInvalidShare,
    Subgenres,
)
from app.cli.recommend.vectors import Tagger, Vocabularies, source_of
from app.files import locked_folder

if TYPE_CHECKING:
    from app.recommender.metrics.quotient import Interval
    from app.recommender.policies.estimation import Estimates

REWARD_MODEL, REWARD_MODEL_OF_TAGS = "linear", "linear-tags"
"""The models that predict scores for the doubly robust estimate, without and with tags."""

COLUMNS = ("value", "95 % interval", "above the log", "95 % interval")


def estimate(
    data: Data,
    to: Out,
    model: Annotated[str, typer.Option("--model", help="The model that ranks.")],
    catalogue: TagCatalogue = None,
    k: Annotated[int, typer.Option("--k", min=1, help="The number of recommendations.")] = 10,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="Above 0, the ranking is drawn by the softmax of its scores."),
    ] = 0.0,
    tagger: Tagger = None,
    vocabularies: Vocabularies = None,
    test_share: TestShare = DEFAULT_TEST_SHARE,
    at: At = None,
    subgenres: Subgenres = DEFAULT_SUBGENRES,
    max_invalid_share: MaxInvalidShare = DEFAULT_MAX_INVALID_SHARE,
) -> None:
    """Estimate a new ranking's value from logged positions and propensities: estimates.json."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.recommender.models.registry import make_models
        from app.recommender.policies.estimation import estimate as estimate_value
        from app.recommender.policies.findings import (
            FILE,
            collect_estimates,
            find_warnings,
            give_verdict,
        )
        from app.recommender.policies.log import read_log
        from app.recommender.policies.ranking import RankingPolicy
        from app.recommender.results import describe, write_results
        from app.recommender.target import TargetWeights

        reward = REWARD_MODEL if catalogue is None else REWARD_MODEL_OF_TAGS
        make_models([model])  # refuses an unknown name before anything is read
        places = (data, catalogue, tagger, vocabularies)
        weights = TargetWeights()
        comparison = read(Request(*places, test_share, at, weights, subgenres, max_invalid_share))
        split = comparison.split
        read_log(split.test)  # refuses a log without propensities before models are trained
        with locked_folder(to):
            ranking, rating = (
                train_model(name, comparison.training, to / CHECKPOINTS) for name in (model, reward)
            )
            with err.status("estimating"):
                found = estimate_value(ranking, rating, split, RankingPolicy(k, temperature))
            about = describe(split, source_of(comparison.vectors)) | {"reward_model": reward}
            write_results(to, collect_estimates(found, about), FILE)
    _show(found)
    for warning in find_warnings(found):
        say(err, f"warning: {warning}")
    say(out, give_verdict(found))
    say(out, f"all figures: {to / FILE}")


def _show(found: "Estimates") -> None:
    """Print the estimates, and what they rest on."""
    from app.recommender.policies.estimators import LOGGED, SUPPORT, VALUES
    from app.recommender.policies.findings import compare_with_log

    changes = compare_with_log(found)
    columns = [Column(name, justify="right") for name in COLUMNS]
    table = Table("estimate", *columns, title="mean score of a recommendation")
    for name in (LOGGED, *VALUES):
        change = _spread(changes[name].interval, "+.3f") if name in changes else ("", "")
        table.add_row(cell(name), *_spread(found.figures[name].interval, ".3f"), *change)
    out.print(table)
    support, limits = _spread(found.figures[SUPPORT].interval, ".2f")
    weighted = found.weighted
    say(
        out,
        f"support: {support} ({limits}); effective sample size: {weighted.effective_size:,.0f} of "
        f"{len(weighted.scores):,} interactions; {found.in_log:.0%} of the recommendations are in "
        "the log",
    )


def _spread(interval: "Interval", form: str) -> tuple[str, str]:
    """Return a value and its interval as texts, empty where they are not defined."""
    if interval.value is None:
        return "not defined", ""
    if interval.low is None or interval.high is None:
        return format(interval.value, form), ""
    return format(interval.value, form), f"{interval.low:{form}} to {interval.high:{form}}"
