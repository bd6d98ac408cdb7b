"""A report as one page that needs nothing else: styles and drawings are in it, no scripts."""

from pathlib import Path

import jinja2

from app.evaluation.report.blocks import Document, Picture
from app.plot_style import as_svg
from app.text import printable

TEMPLATE = Path(__file__).parent / "report.html.j2"


def html(document: Document) -> str:
    """Write it; whatever a model or a song is called stays text."""
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
    """Words in which nothing turns others around; drawings as they are."""
    return printable(value) if type(value) is str else value
