"""The charts of an evaluation."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter

from app.evaluation.figures import Calibration, Interval, LevelFigures, TagFigures
from app.evaluation.report.formatting import count, short
from app.evaluation.report.levels import Level
from app.evaluation.report.training_curves import METRICS, Curves
from app.plot_style import (
    ACCENT,
    FONT_PT,
    HEAT,
    INK,
    LINE,
    MUTED,
    SECOND,
    blank,
    plain,
)
from app.report.blocks import Picture

WIDTH = 3.8
HEIGHT = 2.8
"""The size of a chart in a gallery, in inches: a phone's width."""

BAR_INCHES = 0.2
CELL_INCHES = 0.24
LEAST_CELL_INCHES = 0.108
LARGE = 40
"""From this number of tags on, a heat map's cells and labels have the smallest readable size."""

MOST_CELLS = 80
LABEL_LETTERS = 20


def tag_bars(
    tags: Sequence[TagFigures],
    name: str,
    of: Callable[[TagFigures], Interval],
    chance: Callable[[TagFigures], float],
) -> Picture:
    """Draw a bar for each tag, the first on top, with its interval and the value of guessing.

    Args:
        tags: The tags' figures.
        name: The name of the metric.
        of: Returns the metric of a tag.
        chance: Returns the value of guessing for a tag.
    """
    figure = blank(WIDTH, 0.75 + BAR_INCHES * len(tags))
    axes = figure.subplots()
    plain(axes, across=name, grid="x")
    for row, tag in enumerate(tags):
        _bar(axes, row, of(tag), chance(tag))
    labels = [f"{short(tag.tag, LABEL_LETTERS)} ({count(tag.positives)})" for tag in tags]
    axes.set_yticks(range(len(tags)), labels, parse_math=False)
    axes.set_ylim(len(tags) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    return Picture(
        f"{name} of each tag",
        f"Bars: {name} of {len(tags)} tags, from {short(tags[0].tag)} to {short(tags[-1].tag)}; "
        "the table of tags has the same numbers.",
        figure,
    )


def confusion_map(level: Level) -> Picture:
    """Draw predicted tags (rows) for songs of each tag (columns), the most frequent tags first."""
    figures = level.figures
    present = [at for at in by_positives(figures) if figures.tags[at].positives]
    order = (present or by_positives(figures))[:MOST_CELLS]
    shares = np.array(figures.confusion)[np.ix_(order, order)]
    small = len(order) >= LARGE
    side = len(order) * (LEAST_CELL_INCHES if small else CELL_INCHES)
    figure = blank(side + 2.2, side + 1.6)
    axes = figure.subplots()
    top = max(float(shares.max(initial=0)), 1e-6)
    # The square root of shares: with 80 tags, most shares are small, and bands consist of those.
    image = axes.imshow(
        shares, cmap=HEAT, norm=PowerNorm(0.5, vmin=0, vmax=top), interpolation="none"
    )
    plain(axes, across=f"{level.owner} that have the tag", up="predicted tags")
    axes.grid(visible=False)
    labels = [short(figures.tags[at].tag, LABEL_LETTERS) for at in order]
    axes.set_xticks(range(len(order)), labels, rotation=90, parse_math=False)
    axes.set_yticks(range(len(order)), labels, parse_math=False)
    axes.tick_params(labelsize=6.4 if small else FONT_PT)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.015, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=FONT_PT, labelcolor=INK)
    bar.set_label("share of the column", fontsize=FONT_PT, color=MUTED)
    return Picture(
        f"Predicted tags of the {level.owner} of each tag",
        f"Heat map of {len(order)} by {len(order)} tags; each column is the distribution of the "
        "predicted tags.",
        figure,
    )


def accuracy_curves(level: Level) -> Picture:
    """Draw accuracy and soft accuracy at K."""
    values_at_k = level.figures
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    plain(axes, across="K: number of tags with the highest scores")
    for values, name, colour, dash in (
        (values_at_k.soft_accuracy_at_k, "at least one of its tags", SECOND, "--"),
        (values_at_k.accuracy_at_k, "all of its tags", ACCENT, "-"),
    ):
        axes.plot(range(1, len(values) + 1), values, dash, color=colour, label=name, linewidth=1.8)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    _legend(axes)
    return Picture(
        f"{level.noun.capitalize()}s whose tags are among the first K",
        "Two curves that rise with K; the table has the same numbers.",
        figure,
    )


def calibration_chart(calibration: Calibration) -> Picture:
    """Draw how often scores are correct, and the number of scores, by bins."""
    figure = blank(WIDTH, HEIGHT)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    plain(upper, up="how often correct")
    plain(lower, across="score", up="count", grid="y")
    upper.plot(
        [0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="perfectly calibrated"
    )
    upper.plot(
        calibration.scores,
        calibration.frequencies,
        "o-",
        color=ACCENT,
        markersize=4,
        linewidth=1.8,
        label="this model",
    )
    lower.bar(calibration.scores, calibration.counts, width=0.05, color=MUTED, log=True)
    upper.set_xlim(0, 1)
    upper.set_ylim(0, 1.02)
    _legend(upper)
    return Picture(
        "Scores and how often they are correct",
        "A curve that would follow the diagonal if scores were probabilities, above the numbers of "
        "scores; the table has the same numbers.",
        figure,
    )


def training_charts(curves: Curves) -> tuple[Picture, ...]:
    """Draw loss, ROC-AUC and PR-AUC over epochs."""
    return tuple(_training_chart(curves, column) for column in METRICS)


def by_positives(figures: LevelFigures) -> list[int]:
    """Return the indices of tags, the most frequent first."""
    return sorted(range(len(figures.tags)), key=lambda at: -figures.tags[at].positives)


def _bar(axes: Axes, row: int, interval: Interval, chance: float) -> None:
    if interval.value is None:
        axes.text(0.01, row, "not measured", fontsize=FONT_PT - 1, color=MUTED, va="center")
        return
    axes.barh(row, interval.value, height=0.62, color=ACCENT, alpha=0.55)
    if interval.low is not None and interval.high is not None:
        axes.hlines(row, interval.low, interval.high, color=INK, linewidth=1.4)
    axes.vlines(chance, row - 0.4, row + 0.4, color=SECOND, linewidth=1.6)


def _training_chart(curves: Curves, column: str) -> Picture:
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    plain(axes, across="epoch", up=METRICS[column])
    epochs = curves.values["epoch"]
    for name, label, colour, dash in (
        (column, "training", ACCENT, "-"),
        (f"val_{column}", "validation", SECOND, "--"),
    ):
        axes.plot(epochs, curves.values[name], f"{dash}.", color=colour, label=label, linewidth=1.6)
    for epoch in curves.changes:
        axes.axvline(epoch - 0.5, color=MUTED, linewidth=1, linestyle=":")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)
    return Picture(
        f"{METRICS[column]} over epochs",
        f"Two curves over {len(epochs)} epochs, of training and of validation.",
        figure,
    )


def _legend(axes: Axes) -> None:
    axes.legend(
        fontsize=FONT_PT, labelcolor=INK, frameon=False, loc="best", edgecolor=LINE, handlelength=2
    )
