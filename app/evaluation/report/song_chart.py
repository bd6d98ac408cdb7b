"""Draw a song's taggram."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from app.evaluation.report.formatting import short
from app.evaluation.report.taggrams import SongTaggram
from app.plot_style import FONT_PT, HEAT, INK, MUTED, blank, plain
from app.report.blocks import Picture
from app.tagging.timeline import format_time, window_edges

ROW_INCHES = 0.23
MOST_ROWS = 20
WIDTH = 7.4


def strongest(song: SongTaggram) -> list[int]:
    """Return the indices of the tags to show, by mean score: the highest, and all labels."""
    order = np.argsort(-song.scores.mean(axis=0), kind="stable").tolist()
    true = set(song.true_tags)
    return [at for rank, at in enumerate(order) if rank < MOST_ROWS or song.tags[at] in true]


def taggram(song: SongTaggram) -> Picture:
    """Draw the scores of tags over time, with the labels marked."""
    rows = strongest(song)
    figure = blank(WIDTH, 0.85 + ROW_INCHES * len(rows))
    axes = figure.subplots()
    plain(axes, across="time (min:s)")
    axes.grid(visible=False)
    edges_s = window_edges(song.times_s, song.window_s)
    image = axes.pcolorfast(
        edges_s, np.arange(len(rows) + 1) - 0.5, song.scores.T[rows], cmap=HEAT, vmin=0, vmax=1
    )
    axes.invert_yaxis()
    dots = ["● " if song.tags[at] in song.true_tags else "" for at in rows]
    labels = [dot + short(song.tags[at]) for dot, at in zip(dots, rows, strict=True)]
    axes.set_yticks(range(len(rows)), labels, parse_math=False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: format_time(time)))
    bar = figure.colorbar(image, ax=axes, pad=0.012, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=FONT_PT, labelcolor=INK)
    bar.set_label("score", fontsize=FONT_PT, color=MUTED)
    return Picture(
        song.title,
        f"Heat map of {len(rows)} tags over {format_time(edges_s[-1])} minutes; the highest "
        f"mean score has {song.tags[rows[0]]}.",
        figure,
    )
