"""Draws a taggram as a picture."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from app.domain import Scores
from app.tagging.timeline import format_time, window_edges
from app.text import printable

ROW_INCHES = 0.28
MARGIN_INCHES = 1.3

EXPONENT = 0.5
"""The exponent of the colour scale, as in the page. Half of the scores are below .17 and few above
.75, so that a linear scale would make most of a picture dark."""
TICKS = (0, 0.1, 0.25, 0.5, 0.75, 1)


def draw(
    times_s: Sequence[float], window_s: float, tags: Sequence[str], scores: Scores, title: str
) -> bytes:
    """Draw scores as a heat map in PNG, with time to the right and the first tag on top.

    The colour scale runs from 0 to 1 for every track, so that pictures can be compared, and suits
    colour-blind readers.

    Args:
        times_s: The start of each window, in seconds.
        window_s: The length of a window, in seconds.
        tags: The labels of the rows.
        scores: (windows, tags) float32.
        title: The title above the heat map.
    """
    figure = Figure(figsize=(10, MARGIN_INCHES + ROW_INCHES * len(tags)), layout="constrained")
    axes = figure.subplots()
    image = draw_heat_map(axes, times_s, window_s, tags, scores)
    axes.set_title(printable(title), loc="left", fontsize=11, parse_math=False)
    axes.set_xlabel("time (min:s)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: format_time(time)))
    legend = figure.colorbar(image, ax=axes, label="score; brighter fits better", pad=0.01)
    legend.set_ticks(TICKS, labels=[f"{tick:g}" for tick in TICKS])
    png = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(png, format="png")
    return png.getvalue()


def draw_heat_map(
    axes: Axes, times_s: Sequence[float], window_s: float, tags: Sequence[str], scores: Scores
) -> ScalarMappable:
    """Draw the rectangles and the names of the tags; see `draw`."""
    image = axes.pcolorfast(
        window_edges(times_s, window_s),
        np.arange(len(tags) + 1) - 0.5,
        scores.T,
        cmap="cividis",
        norm=PowerNorm(EXPONENT, vmin=0, vmax=1),
    )
    axes.invert_yaxis()
    axes.set_yticks(range(len(tags)), [printable(tag) for tag in tags], parse_math=False)
    return image
