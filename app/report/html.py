"""Render a report as one self-contained page: with styles and charts, without scripts."""

from pathlib import Path

import jinja2

from app.plot_style import as_svg
from app.report.blocks import Document, Picture
from app.text import printable

TEMPLATE = Path(__file__).parent / "page.html.j2"


def render(document: Document) -> str:
    """Return the page; names of models and songs are escaped."""
    numbers = iter(range(10**6))

    def drawn(picture: Picture) -> str:
        return as_svg(picture.figure, f"d{next(numbers)}-", picture.description)

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_finalized
    )
    environment.filters["drawn"] = drawn
    environment.filters["kind"] = lambda block: type(block).__name__
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(document=document)


def _finalized(value: object) -> object:
    """Replace control and bidirectional characters in text; return charts unchanged."""
    return printable(value) if type(value) is str else value
