"""A taggram as a picture."""

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from app.domain import Scores
from app.tagging.timeline import clock_time
from app.text import printable

ROW_INCHES = 0.28
MARGIN_INCHES = 1.3

EXPONENT = 0.5
"""Of scores for their colours, as in the page: half of the cells score below .17 and few above .75,
so that most of a picture in proportion would be dark."""
TICKS = (0, 0.1, 0.25, 0.5, 0.75, 1)


def draw(
    times_s: Sequence[float], window_s: float, tags: Sequence[str], scores: Scores, title: str
) -> bytes:
    """Draw scores, (windows, tags), as a heat map in PNG: time to the right, first tag on top.

    The colours run from 0 to 1 whatever the track, so that two pictures can be compared, on a scale
    that colour-blind readers can tell apart.
    """
    hop_s = times_s[1] - times_s[0] if len(times_s) > 1 else window_s
    overlap_s = (window_s - hop_s) / 2
    begin_s, end_s = times_s[0], times_s[-1] + window_s
    figure = Figure(figsize=(10, MARGIN_INCHES + ROW_INCHES * len(tags)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(
        scores.T,
        aspect="auto",
        interpolation="nearest",
        cmap="cividis",
        norm=PowerNorm(EXPONENT, vmin=0, vmax=1),
        # Of windows that overlap, each is drawn around its middle.
        extent=(begin_s + overlap_s, end_s - overlap_s, len(tags) - 0.5, -0.5),
    )
    axes.set_xlim(begin_s, end_s)
    axes.set_title(printable(title), loc="left", fontsize=11, parse_math=False)
    axes.set_yticks(range(len(tags)), [printable(tag) for tag in tags], parse_math=False)
    axes.set_xlabel("time (min:s)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: clock_time(time)))
    legend = figure.colorbar(image, ax=axes, label="score; brighter fits better", pad=0.01)
    legend.set_ticks(TICKS, labels=[f"{tick:g}" for tick in TICKS])
    png = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(png, format="png")
    return png.getvalue()
