"""`taggram recommend compare`: compare two recommenders on live users, by their feedback."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, out, plain_errors, say
from app.cli.feedback.shared import FeedbackFile, find_feedback_file

if TYPE_CHECKING:
    from app.recommender.live.arms import Arm
    from app.recommender.live.comparison import Comparison
    from app.recommender.metrics.quotient import Interval


def compare(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="The old recommender, such as `curators/3`.")
    ],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The new recommender, such as `curators/4`.")
    ],
    file: FeedbackFile = None,
    share: Annotated[
        float, typer.Option(help="The share of artists that the new recommender should get.")
    ] = 0.5,
    since: Annotated[
        datetime | None,
        typer.Option(help="When both began; recommendations with earlier feedback don't count."),
    ] = None,
) -> None:
    """Compare two recommenders on live users, by the feedback on their recommendations."""
    with plain_errors():
        from app.feedback.outcomes import count_by_artist
        from app.recommender.live.arms import find_arm, make_arms
        from app.recommender.live.comparison import compare as run

        arms = make_arms(count_by_artist(find_feedback_file(file), since))
        comparison = run(find_arm(arms, old), find_arm(arms, new), share)
    _show(comparison)


def _show(comparison: "Comparison") -> None:
    from app.recommender.live.comparison import METRICS

    counts = ("artists", "recommendations", "sent", "accepted", "unanswered", "correlation")
    table = Table("arm", *(Column(name, justify="right") for name in (*counts, *METRICS)))
    for arm in (comparison.old, comparison.new):
        rates = (_rate(comparison.rates[arm.recommender, metric]) for metric in METRICS)
        table.add_row(cell(arm.recommender), *_counts(arm), *rates)
    out.print(table)
    for metric in METRICS:
        say(out, f"difference of {metric}: {_rate(comparison.differences[metric], '+')}")
    split = comparison.split
    say(
        out,
        f"split: {split.found:.1%} of artists have {comparison.new.recommender}, intended "
        f"{split.share:.1%} (p = {split.probability:.2g}); {split.in_both:,} artists in both arms",
    )
    say(out, comparison.verdict)


def _counts(arm: "Arm") -> tuple[str, ...]:
    sums = (arm.sent.sum(), arm.accepted.sum(), arm.unanswered.sum())
    numbers = (len(arm.artists), arm.recommendations, *map(int, sums))
    correlation = "" if arm.correlation is None else f"{arm.correlation:.3f}"
    return (*(f"{number:,}" for number in numbers), correlation)


def _rate(interval: "Interval", sign: str = "") -> str:
    """Return a rate or a difference of rates, which are defined as each artist has sends."""
    values = (interval.value, interval.low, interval.high)
    value, low, high = ("" if each is None else f"{each:{sign}.3f}" for each in values)
    return f"{value} ({low} to {high})"
