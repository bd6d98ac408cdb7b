"""Draw a dataset's tree of genres (the thesis, figure 5.3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.datasets.bars import BAR_INCHES, MARGIN_INCHES, short_name
from app.datasets.loaders.dataset import Genre
from app.plot_style import ACCENT, FONT_PT, INK, MUTED, blank

COLUMNS = 4
COLUMN_INCHES = 3.4
INDENT = 0.09
"""Of a level, as a share of a column."""


class Row(NamedTuple):
    """A genre of a column: its depth from 0, the row of its parent, and its text."""

    depth: int
    parent: int | None
    text: str


def draw_genre_tree(genres: Mapping[int, Genre], tracks: Mapping[str, int]) -> Figure:
    """Draw all genres below their parents, in columns, with their numbers of tracks.

    Args:
        genres: The genres by number.
        tracks: The number of tracks by title.
    """
    children: dict[int | None, list[int]] = defaultdict(list)
    for number, genre in genres.items():
        children[genre.parent].append(number)
    for numbers in children.values():
        numbers.sort(key=lambda number: (-tracks.get(genres[number].title, 0), number))
    trees = [_rows(genres, tracks, children, top) for top in children[None]]
    columns = _columns(trees)
    tallest = max(map(len, columns), default=1)
    figure = blank(COLUMN_INCHES * len(columns), MARGIN_INCHES + BAR_INCHES * tallest)
    for axes, column in zip(
        figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True
    ):
        _draw(axes, column, tallest)
    return figure


def _rows(
    genres: Mapping[int, Genre],
    tracks: Mapping[str, int],
    children: Mapping[int | None, Sequence[int]],
    top: int,
) -> list[Row]:
    """Return a top genre and all below it, each after its parent."""
    rows: list[Row] = []
    waiting: list[tuple[int, int, int | None]] = [(top, 0, None)]
    while waiting:
        number, depth, parent = waiting.pop()
        title = genres[number].title
        rows.append(Row(depth, parent, f"{short_name(title)}  {tracks.get(title, 0):,}"))
        own = len(rows) - 1
        waiting += [(child, depth + 1, own) for child in reversed(children.get(number, ()))]
    return rows


def _columns(trees: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Distribute whole trees over columns, each to the shortest one so far."""
    columns: list[list[Row]] = [[] for _ in range(max(1, min(COLUMNS, len(trees))))]
    for tree in sorted(trees, key=len, reverse=True):
        column = min(columns, key=len)
        first = len(column)
        column.extend(
            each._replace(parent=None if each.parent is None else each.parent + first)
            for each in tree
        )
    return columns


def _draw(axes: Axes, column: Sequence[Row], tallest: int) -> None:
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(tallest - 0.5, -0.5)
    for at, (depth, parent, text) in enumerate(column):
        left = INDENT * depth
        if parent is not None:
            stem = left - INDENT * 0.7
            axes.plot([stem, stem, left - 0.01], [parent + 0.4, at, at], color=MUTED, linewidth=0.8)
        axes.text(
            left,
            at,
            text,
            fontsize=FONT_PT,
            color=ACCENT if depth == 0 else INK,
            va="center",
            parse_math=False,
        )
