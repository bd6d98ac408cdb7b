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

    arms = (comparison.old, comparison.new)
    names = [arm.recommender for arm in arms]
    table = Table("", *(Column(cell(name), justify="right") for name in (*names, "difference")))
    counts = [_counts(arm) for arm in arms]
    for name in counts[0]:
        table.add_row(name, *(each[name] for each in counts))
    for metric in METRICS:
        rates = (_rate(comparison.rates[name, metric]) for name in names)
        table.add_row(metric, *rates, _rate(comparison.differences[metric], "+"))
    out.print(table)
    split = comparison.split
    say(
        out,
        f"split: {split.found:.1%} of artists have {comparison.new.recommender}, intended "
        f"{split.share:.1%} (p = {split.probability:.2g}); {split.in_both:,} artists in both arms",
    )
    say(out, comparison.verdict)


def _counts(arm: "Arm") -> dict[str, str]:
    counts = {
        "artists": len(arm.artists),
        "recommendations": arm.recommendations,
        "sent": int(arm.sent.sum()),
        "accepted": int(arm.accepted.sum()),
        "unanswered": int(arm.unanswered.sum()),
    }
    correlation = "" if arm.correlation is None else f"{arm.correlation:.3f}"
    return {name: f"{count:,}" for name, count in counts.items()} | {"correlation": correlation}


def _rate(interval: "Interval", sign: str = "") -> str:
    """Return a rate or a difference of rates, and below it the interval."""
    values = (interval.value, interval.low, interval.high)
    value, low, high = ("" if each is None else f"{each:{sign}.3f}" for each in values)
    return f"{value}\n{low} to {high}"
