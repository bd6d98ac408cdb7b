"""The report as a page: one file that asks nobody for anything."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.training.reporting.blocks import Document, Picture
from app.training.reporting.drawing import PX_PER_INCH, as_svg

PHONE_INCHES = 4
"""What is wider than this does not shrink to a phone's screen, but is scrolled."""


def as_html(document: Document) -> bytes:
    """Write it, UTF-8."""
    environment = Environment(
        loader=PackageLoader("app.training.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = _Drawn()
    page = environment.get_template("template.html").render(document=document, drawn=drawn)
    return page.encode("utf-8", "replace")  # names of files may hold what is no letter


class _Drawn:
    """Pictures as SVG, each with ids of its own."""

    def __init__(self) -> None:
        self._amount = 0

    def svg(self, picture: Picture) -> Markup:
        self._amount += 1
        drawing = as_svg(
            picture.figure, f"d{self._amount}-", f"{picture.title}. {picture.description}"
        )
        return Markup(drawing)  # noqa: S704 - its words are escaped by ElementTree

    def width(self, picture: Picture) -> int:
        """In CSS pixels."""
        return round(picture.figure.get_size_inches()[0] * PX_PER_INCH)

    def is_wide(self, picture: Picture) -> bool:
        return bool(picture.figure.get_size_inches()[0] > PHONE_INCHES)
