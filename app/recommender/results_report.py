"""The report of an evaluation: a verdict, tables and charts."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from app.plot_style import ACCENT, MUTED, SECOND, blank, plain
from app.recommender.evaluation import ALL
from app.recommender.metrics.quotient import Interval
from app.recommender.results import Difference, Results
from app.report.blocks import Cell, Document, Grid, Picture, Prose, Section

TABLES = (
    ("answers", ("auc_sent", "ndcg_sent", "map@10", "ndcg@10", "hit_rate@10", "missed_shots@10")),
    ("lists", ("personalisation@10", "coverage@10", "acs@10", "sent@10", "rmse", "mae")),
)
"""The tables of each slice: a name, and metrics. `metrics.json` has all metrics."""

VERDICT = "auc_sent"
ALL_CURATORS = "ndcg@10"
"""The metrics that say what tag vectors bring: in each slice, and over all."""

LOWER_IS_BETTER = ("missed_shots", "rmse", "mae", "viewed_s")
BOLD_EXEMPT = ("personalisation", "coverage", "acs", "sent", "viewed_s", "contacts", "rating")
"""Metrics that describe recommendations; the highest is not the best."""

LEAD = (
    "Models are trained on interactions before a moment, and evaluated on what really happened "
    "later. Intervals are 95 % bootstrap intervals over artists. auc_sent and ndcg_sent order the "
    "curators that an artist contacted by their answers. map, ndcg and hit_rate rank all curators, "
    "and count those that were not contacted as wrong: they favour models that repeat which "
    "curators artists contact."
)


def make_report(results: Results) -> Document:
    """Return the report."""
    about = results.about
    sizes = (
        f"{about['artists']:,} artists, {about['curators']:,} curators; "
        f"{about['train_interactions']:,} interactions to train on, {about['test_interactions']:,} "
        f"to evaluate on, from {about['split_at']}; tag vectors: {about['tags']}."
    )
    verdict: list[Prose | Picture] = [Prose(text) for text in verdicts(results)]
    drawn = [
        each
        for each in results.differences
        if each.metric == VERDICT and each.interval.value is not None
    ]
    if drawn:
        verdict.append(_draw_differences(drawn))
    return Document(
        "Recommending curators",
        LEAD,
        (
            Section("What tag vectors bring", tuple(verdict)),
            Section("Models", (Prose(sizes), _draw_models(results))),
            *(Section(part.capitalize(), tuple(_tables(results, part))) for part in results.slices),
        ),
    )


def verdicts(results: Results) -> list[str]:
    """Return a sentence for each slice: what tag vectors bring, and whether that is certain."""
    in_slices = [each for each in results.differences if each.metric == VERDICT]
    over_all = [
        each for each in results.differences if (each.metric, each.slice) == (ALL_CURATORS, ALL)
    ]
    texts = [_judge(each) for each in (*in_slices, *over_all)]
    return texts or ["No pair of models with and without tag vectors was evaluated."]


def _judge(each: Difference) -> str:
    interval = each.interval
    if interval.value is None or interval.low is None or interval.high is None:
        return f"{each.slice}: {each.metric} is not defined for any artist."
    size = f"{interval.value:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"
    if not interval.excludes_zero:
        what = "It is not certain that they change anything: the interval contains zero."
    else:
        what = f"It is {'higher' if interval.value > 0 else 'lower'} with them."
    return f"{each.slice}: tag vectors change {each.metric} of {each.base} by {size}. {what}"


def _tables(results: Results, part: str) -> Iterator[Grid]:
    for name, metrics in TABLES:
        best = {metric: _best(results, part, metric) for metric in metrics}
        rows = tuple(
            (
                Cell(model),
                *(
                    _cell(results, model, part, metric, strong=model == best[metric])
                    for metric in metrics
                ),
            )
            for model in results.models
        )
        yield Grid(f"All models, {part}: {name}", ("model", *metrics), rows)


def _cell(results: Results, model: str, part: str, metric: str, *, strong: bool) -> Cell:
    figure = results.figures.get((model, part, metric))
    if figure is None or figure.interval.value is None:
        return Cell("")
    return Cell(f"{figure.interval.value:.3f}", _note(figure.interval), strong)


def _note(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _best(results: Results, part: str, metric: str) -> str | None:
    """Return the model with the best value, None for metrics that are not better or worse."""
    name = metric.partition("@")[0]
    if name in BOLD_EXEMPT:
        return None
    values = {
        model: figure.interval.value
        for model in results.models
        if (figure := results.figures.get((model, part, metric))) is not None
        and figure.interval.value is not None
    }
    if not values:
        return None
    return (min if name in LOWER_IS_BETTER else max)(values, key=lambda model: values[model])


def _draw_models(results: Results) -> Picture:
    """Draw the areas under ROC curves of all models, a row of points for each slice."""
    found = [
        figure
        for part in results.slices
        for model in results.models
        if (figure := results.figures[model, part, VERDICT]).interval.value is not None
    ]
    chart = blank(7.2, 1.1 + 0.24 * len(found))
    axes = chart.subplots()
    plain(axes, "auc_sent, with its interval; 0.5 is chance", grid="x")
    for place, each in enumerate(found):
        _draw_interval(axes, place, each.interval, ACCENT if "tag" in each.model else MUTED)
    names = [f"{each.model}, {each.slice}" for each in found]
    axes.axvline(0.5, color=SECOND, linewidth=0.8)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.invert_yaxis()
    description = "For each slice and model, the area under the ROC curve of contacted curators."
    return Picture("All models", description, chart)


def _draw_differences(differences: Sequence[Difference]) -> Picture:
    figure = blank(7.2, 1.0 + 0.3 * len(differences))
    axes = figure.subplots()
    plain(axes, f"{VERDICT} with tag vectors, minus without", grid="x")
    for place, each in enumerate(differences):
        _draw_interval(axes, place, each.interval, ACCENT)
    axes.axvline(0, color=SECOND, linewidth=0.8)
    names = [f"{each.model}, {each.slice}" for each in differences]
    axes.set_yticks(np.arange(len(names)), names, parse_math=False)
    axes.invert_yaxis()
    description = "For each slice, what tag vectors add to the area under the ROC curve."
    return Picture("With and without tag vectors", description, figure)


def _draw_interval(axes: Axes, place: int, interval: Interval, colour: str) -> None:
    if interval.value is None:
        return
    if interval.low is not None and interval.high is not None:
        axes.plot([interval.low, interval.high], [place, place], color=colour, linewidth=1.6)
    axes.plot([interval.value], [place], "o", color=colour, markersize=4.5)
