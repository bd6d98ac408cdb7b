"""Drawings that follow a page's colours as SVG, and stand on white as PNG.

They are drawn in the colours of `THEME`. In SVG each of these gives way to the style sheet's
variable, so that one drawing serves light and dark; its words stay words, in the page's font.
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
"""Which colour-blind readers can tell apart (Nuñez, Anderton and Renslow, PLOS ONE 2018)."""

FONT_PT = 8.5
PNG_DPI = 220
PX_PER_INCH = 96


def blank(width: float, height: float) -> Figure:
    """An empty drawing, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(
    axes: Axes, across: str = "", up: str = "", grid: Literal["both", "x", "y"] = "both"
) -> None:
    """Quiet axes with their names.

    Args:
        axes: Which.
        across: What goes to the right.
        up: What goes up.
        grid: Of which axis lines are drawn: `x`, `y` or `both`.
    """
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=grid, color=LINE, linewidth=0.8)
    axes.tick_params(length=0, labelsize=FONT_PT, labelcolor=INK)
    axes.set_xlabel(across, fontsize=FONT_PT, color=MUTED)
    axes.set_ylabel(up, fontsize=FONT_PT, color=MUTED)


def as_png(figure: Figure) -> bytes:
    """On white."""
    return _saved(figure, "png", dpi=PNG_DPI, facecolor="white")


def as_svg(figure: Figure, prefix: str, title: str) -> str:
    """As an element for a page of HTML.

    Args:
        figure: The drawing.
        prefix: Keeps its ids apart from those of other drawings of the page.
        title: What a screen reader says of it.
    """
    root = ET.fromstring(  # noqa: S314 - our own drawing
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
    """An attribute's value, with the page's colours and ids of its own."""
    for colour, variable in THEME.items():
        value = value.replace(colour, variable)
    if _local(name) == "id" or (_local(name) == "href" and value.startswith("#")):
        return value.replace("#", f"#{prefix}") if "#" in value else prefix + value
    return value.replace("url(#", f"url(#{prefix}")


def _local(name: str) -> str:
    """Without its namespace: inside HTML, none is written."""
    return name.rpartition("}")[2]


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:  # noqa: ANN401 - matplotlib's
    file = io.BytesIO()
    with _words_as_words(), warnings.catch_warnings():
        # Letters that its font lacks: on a page, the browser's fonts have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(file, format=kind, **options)
    return file.getvalue()


@contextmanager
def _words_as_words() -> Iterator[None]:
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "taggram"}):
        yield
