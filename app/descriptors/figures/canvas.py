"""What the figures share: the excerpt that they show, and heat maps and curves."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from app.descriptors.frames import HOP
from app.domain import Samples
from app.plot_style import ACCENT, FONT_PT, HEAT, INK, MUTED, blank, plain
from app.report.blocks import Picture

WIDTH, HEIGHT = 9.0, 2.8
"""The size of a figure, in inches."""

EXCERPT_S = 30.0
"""Bounds the cost of figures; MagnaTagATune's clips have this length too."""

MIN_S = 7.0
"""A shorter track has too few frames for a tempogram."""

TIME = "time (s)"
DECIBELS = "dB"

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Excerpt:
    """The part of a track that figures show.

    Attributes:
        samples: (samples,) float32, mono.
        sample_rate: In Hz.
        start_s: Where it starts in the track, in seconds.
    """

    samples: Samples
    sample_rate: int
    start_s: float

    @classmethod
    def of(cls, track: Samples, sample_rate: int) -> Self:
        """Return the middle of a track, at most `EXCERPT_S` long.

        Raises:
            ValueError: The track is shorter than `MIN_S`.
        """
        if len(track) < MIN_S * sample_rate:
            raise ValueError(
                f"the track has {len(track) / sample_rate:.1f} s; its figures need {MIN_S:g} s"
            )
        length = min(len(track), round(EXCERPT_S * sample_rate))
        start = (len(track) - length) // 2
        return cls(track[start : start + length], sample_rate, start / sample_rate)


@dataclass(frozen=True)
class NamedPicture:
    """A picture of the page, and the name of its PNG without the suffix."""

    name: str
    picture: Picture


def name_picture(name: str, title: str, description: str, figure: Figure) -> NamedPicture:
    """Return a picture with its name.

    Args:
        name: The name of the PNG without its suffix.
        title: The title.
        description: What the figure shows, in one sentence.
        figure: The figure.
    """
    return NamedPicture(name, Picture(f"{title}: {description}", f"{title}.", figure))


def draw_heat(
    values: Values,
    excerpt: Excerpt,
    up: str,
    *,
    rows: tuple[float, float] | None = None,
    names: tuple[str, ...] = (),
    legend: str = "",
) -> Figure:
    """Draw values over time as a heat map.

    Args:
        values: (rows, frames), the lowest row first; frames are `HOP` samples apart.
        excerpt: The excerpt that they are of.
        up: The label of the y axis.
        rows: The values of the y axis at the bottom and the top; by default 0 and the rows.
        names: The labels of the rows, if each has one.
        legend: The label of the colour scale.
    """
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    seconds = values.shape[1] * HOP / excerpt.sample_rate
    low, high = rows or (-0.5, len(values) - 0.5)
    image = axes.imshow(
        values,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        cmap=HEAT,
        extent=(excerpt.start_s, excerpt.start_s + seconds, low, high),
    )
    plain(axes, TIME, up)
    axes.grid(visible=False)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if names:
        axes.set_yticks(range(len(names)), names)
    scale = figure.colorbar(image, ax=axes, pad=0.01)
    scale.outline.set_visible(False)
    scale.ax.tick_params(length=0, labelsize=FONT_PT, labelcolor=INK)
    scale.set_label(legend, fontsize=FONT_PT, color=MUTED)
    return figure


def draw_curve(across: Values, up: Values, labels: tuple[str, str], *, log: bool = False) -> Figure:
    """Draw a curve.

    Args:
        across: (points,), the x values.
        up: (points,), the y values.
        labels: The labels of the x axis and of the y axis.
        log: Whether the x axis is logarithmic.
    """
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    axes.plot(across, up, color=ACCENT, linewidth=1)
    plain(axes, *labels)
    if log:
        scale_hz(axes)
    return figure


def scale_hz(axes: Axes) -> None:
    """Make the x axis logarithmic, with round frequencies as its ticks."""
    low, high = axes.get_xlim()
    axes.set_xscale("log")
    ticks = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
    axes.set_xticks(ticks, [f"{hz:,}" for hz in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(max(low, ticks[0]), high)
