"""Style and export of plots: SVG with a page's colours, PNG on white.

Plots are drawn in the colours of `THEME`. In SVG each colour is replaced by a variable of the style
sheet, so that one plot suits light and dark pages. Text stays text, in the page's font.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from app.text import printable

INK = "#1c1b22"
MUTED = "#5d5a6b"
LINE = "#dcd9e6"
ACCENT = "#5b3df5"
SECOND = "#c2410c"
THEME = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
}

HEAT = "cividis"
"""A colour map for colour-blind readers (Nuñez, Anderton and Renslow, PLOS ONE 2018)."""

FONT_PT = 8.5
PNG_DPI = 220
PX_PER_INCH = 96


def blank(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(
    axes: Axes, across: str = "", up: str = "", grid: Literal["both", "x", "y"] = "both"
) -> None:
    """Style axes: no spines and ticks, a light grid, and labels.

    Args:
        axes: The axes.
        across: The label of the x axis.
        up: The label of the y axis.
        grid: The grid lines to draw: of the axis `x`, of `y`, or of `both`.
    """
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=grid, color=LINE, linewidth=0.8)
    axes.tick_params(length=0, labelsize=FONT_PT, labelcolor=INK)
    axes.set_xlabel(across, fontsize=FONT_PT, color=MUTED)
    axes.set_ylabel(up, fontsize=FONT_PT, color=MUTED)


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG, on white."""
    return _saved(figure, "png", dpi=PNG_DPI, facecolor="white")


def as_svg(figure: Figure, prefix: str, title: str) -> str:
    """Return a figure as an SVG element for an HTML page.

    Args:
        figure: The figure.
        prefix: Prefix of its ids, unique on the page.
        title: The description for screen readers.
    """
    root = ET.fromstring(  # noqa: S314 - our figure
        _saved(figure, "svg", transparent=True, metadata={"Date": None, "Creator": None})
    )
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in {"metadata", "title"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {
            _local(name): _themed(name, value, prefix) for name, value in element.attrib.items()
        }
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update({"role": "img", "aria-label": printable(title)})
    return ET.tostring(root, encoding="unicode")


def _themed(name: str, value: str, prefix: str) -> str:
    """Return an attribute's value, with the page's colours and prefixed ids."""
    for colour, variable in THEME.items():
        value = value.replace(colour, variable)
    if _local(name) == "id" or (_local(name) == "href" and value.startswith("#")):
        return value.replace("#", f"#{prefix}") if "#" in value else prefix + value
    return value.replace("url(#", f"url(#{prefix}")


def _local(name: str) -> str:
    """Return a name without its namespace, which HTML does not use."""
    return name.rpartition("}")[2]


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:  # noqa: ANN401 - matplotlib's
    file = io.BytesIO()
    with _words_as_words(), warnings.catch_warnings():
        # On a page, the browser has fonts with the missing letters.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(file, format=kind, **options)
    return file.getvalue()


@contextmanager
def _words_as_words() -> Iterator[None]:
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "taggram"}):
        yield
