"""Bars that several plots of datasets share."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from app.plot_style import ACCENT, FONT_PT, INK, SECOND, blank, plain
from app.text import printable

LONGEST_NAME = 32

PALE = "#bdb8d1"

BAR_INCHES, MARGIN_INCHES, PANEL_INCHES = 0.19, 1.0, 4.4

COUNT = FuncFormatter(lambda value, _: f"{value:,.0f}")

SERIES = (ACCENT, SECOND, "#0e8f7e", "#b8860b", "#a21caf", "#64748b")
"""Colours of datasets, in their order; the first is used again after the last."""

Counts = Mapping[str, Mapping[str, int]]
"""By tag, the number of tracks in each dataset."""


def draw_bars(
    axes: Axes, names: Sequence[str], before: Sequence[float], after: Sequence[float]
) -> BarContainer:
    """Draw horizontal bars, the first on top, and return those of `before`."""
    _style(axes, names)
    bars = axes.barh(range(len(before)), before, color=PALE if after else ACCENT, height=0.75)
    axes.barh(range(len(after)), after, color=ACCENT, height=0.75)
    return bars


def draw_stacks(panels: Mapping[str, Counts], datasets: Sequence[str]) -> Figure:
    """Draw a panel for each title: a bar for each tag, stacked by dataset, the first on top.

    Args:
        panels: The numbers of tracks in each panel, in the order of the bars.
        datasets: The names of the datasets, in the order of the stacks.
    """
    rows = max(max((len(counts) for counts in panels.values()), default=1), 1)
    width = PANEL_INCHES * max(len(panels), 1.6)
    figure = blank(width, MARGIN_INCHES + BAR_INCHES * rows)
    for axes, (title, counts) in zip(
        np.ravel(figure.subplots(1, len(panels))), panels.items(), strict=True
    ):
        _style(axes, list(counts))
        starts = np.zeros(len(counts))
        for number, dataset in enumerate(datasets):
            widths = np.array([each.get(dataset, 0) for each in counts.values()], float)
            colour = SERIES[number % len(SERIES)]
            axes.barh(range(len(counts)), widths, left=starts, color=colour, height=0.75)
            starts = starts + widths
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_title(printable(title), fontsize=FONT_PT + 1, color=INK, parse_math=False)
        axes.set_xlabel("tracks")
    draw_legend(figure, {name: SERIES[at % len(SERIES)] for at, name in enumerate(datasets)})
    return figure


def draw_legend(figure: Figure, colours: Mapping[str, str]) -> None:
    """Draw the legend of a figure from the colour of each name."""
    patches = [Patch(color=colour, label=short_name(name)) for name, colour in colours.items()]
    legend = figure.legend(
        handles=patches,
        loc="outside lower right",
        ncols=len(patches),
        frameon=False,
        fontsize=FONT_PT,
        labelcolor=INK,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def short_name(name: str) -> str:
    """Return a name that fits, without unprintable characters."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _style(axes: Axes, names: Sequence[str]) -> None:
    plain(axes, grid="x")
    axes.set_yticks(range(len(names)), [short_name(name) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(COUNT)
    axes.xaxis.set_major_locator(MaxNLocator(4))
