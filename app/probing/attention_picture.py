"""Draws what a network attended to over its taggram."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter

from app.domain import Scores
from app.plot_style import ACCENT, FONT_PT, INK, as_png, blank, plain
from app.probing.attention import Explanation
from app.tagging.picture import ROW_INCHES, draw_heat_map
from app.tagging.timeline import format_time
from app.text import printable

ATTENTION_INCHES = 1.2
MARGIN_INCHES = 1.3


def draw_attention(explanation: Explanation, tags: Sequence[str], scores: Scores) -> bytes:
    """Draw attention over time, above the scores of some tags, in PNG.

    Args:
        explanation: The attention.
        tags: The labels of the rows, the first on top.
        scores: (windows, tags).
    """
    window_s = explanation.manifest.window_spec.window_s
    figure = blank(10, MARGIN_INCHES + ATTENTION_INCHES + ROW_INCHES * len(tags))
    above, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[ATTENTION_INCHES, ROW_INCHES * len(tags) + 0.3]
    )
    attention = explanation.over_time()
    edges = np.arange(len(attention) + 1) * explanation.moment_s
    above.stairs(attention, edges, fill=True, color=ACCENT)
    above.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    plain(above, up="attention\n(1: even)", grid="y")
    above.set_ylim(0)
    title = f"{explanation.manifest.ref}: attention within each window, and its scores"
    above.set_title(printable(title), loc="left", fontsize=11, parse_math=False)
    for start in explanation.times_s[1:]:
        above.axvline(start, color=INK, linewidth=0.5)
    draw_heat_map(below, explanation.times_s, window_s, tags, scores)
    below.tick_params(labelsize=FONT_PT)
    below.set_xlabel("time (min:s)")
    below.xaxis.set_major_formatter(FuncFormatter(lambda time, _: format_time(time)))
    return as_png(figure)
