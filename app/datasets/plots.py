"""Plot a dataset's statistics, as the thesis does (figures 5.1 to 7.1)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from app.datasets.bars import (
    BAR_INCHES,
    COUNT,
    MARGIN_INCHES,
    PALE,
    PANEL_INCHES,
    draw_bars,
    draw_legend,
)
from app.datasets.cleaning import Cleaned
from app.datasets.genre_tree import draw_genre_tree
from app.datasets.summary import Description, by_category, describe
from app.files import write_atomically
from app.plot_style import ACCENT, FONT_PT, INK, as_png, blank, plain
from app.text import printable

TOP = 25
"""The number of tags drawn of each category; twice as many if there is only one category."""

ACROSS = 3
"""The most panels in a row; more would be too small on a page."""

BINS = 60
LONG_S = 1200
"""Longer tracks are counted in the axis label: one of hours would compress all others."""

FEW_S = 120
"""An axis is in seconds up to this length, and in minutes beyond."""

SHADES = {"before cleaning": PALE, "after cleaning": ACCENT}

BIT_RATE_BINS = np.arange(0, 337, 16)
"""Edges in kbit/s; higher rates are counted in the last bin."""


def draw(cleaned: Cleaned, out: Path) -> list[Path]:
    """Draw the numbers before cleaning, light, and after cleaning, dark.

    Args:
        cleaned: A dataset.
        out: The folder for the pictures; it is created if needed.

    Returns:
        The paths of the PNG files.

    Raises:
        SetupError: They can't be written.
    """
    title = cleaned.dataset.about.title
    return write_figures(out, title, draw_figures(cleaned))


def draw_figures(cleaned: Cleaned) -> dict[str, Figure]:
    """Return the charts of a dataset by name, those that it has values for."""
    before, after = describe(cleaned.dataset.tracks), describe(cleaned.tracks)
    dataset = cleaned.dataset
    figures = {
        "top-tags": _top_tags(by_category(cleaned), after),
        "tags-a-track": _tags_a_track(before, after),
        "durations": _durations(before, after) if before.durations_s else None,
        "sample-rates": _sample_rates(before, after) if before.sample_rates else None,
        "bit-rates": _bit_rates(cleaned) if dataset.bit_rates else None,
        "genre-tree": draw_genre_tree(dataset.genres, before.tags) if dataset.genres else None,
        "missing-values": _missing(missing_shares(cleaned, before)),
    }
    return {name: figure for name, figure in figures.items() if figure}


def write_figures(out: Path, title: str, figures: Mapping[str, Figure]) -> list[Path]:
    """Write figures as PNG, each titled with `title` and its name, and return their paths.

    Raises:
        SetupError: They can't be written.
    """
    for name, figure in figures.items():
        figure.suptitle(
            printable(f"{title}: {name.replace('-', ' ')}"), color=INK, parse_math=False
        )
        write_atomically(out / f"{name}.png", as_png(figure))
    return [out / f"{name}.png" for name in figures]


def _top_tags(categories: Mapping[str, Mapping[str, int]], after: Description) -> Figure:
    """Draw one panel for each category, with bars of one height, in rows of two or three."""
    top = TOP if len(categories) > 1 else 2 * TOP
    rows = max((min(top, len(tags)) for tags in categories.values()), default=1)
    panels = max(len(categories), 1)
    across = panels if panels <= ACROSS else 2
    down = -(-panels // across)
    figure = blank(PANEL_INCHES * max(across, 1.6), (MARGIN_INCHES + BAR_INCHES * rows) * down)
    grid = np.ravel(figure.subplots(down, across))
    for axes in grid[len(categories) :]:
        axes.set_axis_off()
    for axes, (category, tags) in zip(grid, categories.items(), strict=False):
        shown = list(tags)[:top]
        draw_bars(
            axes, shown, [tags[tag] for tag in shown], [after.tags.get(tag, 0) for tag in shown]
        )
        axes.set_ylim(rows - 0.4, -0.6)
        title = printable(f"{category}: {len(shown)} of {len(tags)}")
        axes.set_title(title, fontsize=FONT_PT + 1, color=INK, parse_math=False)
        axes.set_xlabel("tracks")
    draw_legend(figure, SHADES)
    return figure


def _tags_a_track(before: Description, after: Description) -> Figure:
    figure = blank(7, 3.8)
    axes = figure.subplots()
    plain(axes, "tags", "tracks", grid="y")
    # The pale bars are wider: cleaning removes tags, so a dark bar may be higher than a pale one.
    axes.bar(range(len(before.tags_a_track)), before.tags_a_track, width=0.85, color=PALE)
    axes.bar(range(len(after.tags_a_track)), after.tags_a_track, width=0.45, color=ACCENT)
    axes.yaxis.set_major_formatter(COUNT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    draw_legend(figure, SHADES)
    return figure


def _durations(before: Description, after: Description) -> Figure:
    figure = blank(7, 3.8)
    axes = figure.subplots()
    end = min(before.durations_s[-1], LONG_S)
    unit, seconds = ("seconds", 1) if end <= FEW_S else ("minutes", 60)
    plain(axes, f"{unit}{_beyond(before)}", "tracks", grid="y")
    edges = list(np.linspace(0, max(end, 1), BINS + 1) / seconds)
    for each, colour in ((before, PALE), (after, ACCENT)):
        axes.hist(np.divide(each.durations_s, seconds), edges, color=colour)
    axes.yaxis.set_major_formatter(COUNT)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.set_xlim(0, edges[-1])
    draw_legend(figure, SHADES)
    return figure


def _beyond(before: Description) -> str:
    longer = sum(duration > LONG_S for duration in before.durations_s)
    return f" ({longer:,} tracks are longer)" if longer else ""


def _sample_rates(before: Description, after: Description) -> Figure:
    rates = list(before.sample_rates)
    figure = blank(7, MARGIN_INCHES + 2 * BAR_INCHES * len(rates))
    axes = figure.subplots()
    counts = [each.sample_rates.get(rate, 0) for each in (before, after) for rate in rates]
    draw_bars(
        axes, [f"{rate / 1000:g} kHz" for rate in rates], counts[: len(rates)], counts[len(rates) :]
    )
    axes.set_xlabel("tracks")
    draw_legend(figure, SHADES)
    return figure


def _bit_rates(cleaned: Cleaned) -> Figure:
    """Draw how many tracks have which bit rate; variable rates lie between the usual ones."""
    rates = cleaned.dataset.bit_rates
    figure = blank(7, 3.8)
    axes = figure.subplots()
    plain(axes, "kbit/s", "tracks", grid="y")
    highest = float(BIT_RATE_BINS[-1]) - 1
    for tracks, colour in ((cleaned.dataset.tracks, PALE), (cleaned.tracks, ACCENT)):
        known = [rates[track.id] / 1000 for track in tracks if track.id in rates]
        axes.hist(np.minimum(known, highest), list(BIT_RATE_BINS), color=colour)
    axes.yaxis.set_major_formatter(COUNT)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xticks(list(range(0, 337, 64)))
    draw_legend(figure, SHADES)
    return figure


def _missing(shares: Mapping[str, float]) -> Figure:
    """Draw the share of missing values of each column, the largest on top."""
    names = sorted(shares, key=lambda name: (-shares[name], name))
    figure = blank(7, MARGIN_INCHES + BAR_INCHES * len(names))
    axes = figure.subplots()
    bars = draw_bars(axes, names, [shares[name] for name in names], [])
    axes.bar_label(bars, fmt="{:.1%}", padding=3, fontsize=FONT_PT, color=INK)
    axes.set_xlim(0, 1.12)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("rows without a value")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure


def missing_shares(cleaned: Cleaned, before: Description) -> Mapping[str, float]:
    """Return the shares of missing values of the tables' columns, or else of the tracks."""
    tracks = max(before.tracks, 1)
    return cleaned.dataset.missing or {name: n / tracks for name, n in before.unknown.items()}
