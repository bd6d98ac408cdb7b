"""A report on paper, with the same sections as the page."""

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch, mm
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    KeepTogether,
    LongTable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)

from app.training.reporting.blocks import (
    Block,
    Cell,
    Document,
    Gallery,
    Grid,
    Picture,
    Points,
    Prose,
    Section,
)
from app.training.reporting.drawing import INK, LINE, MUTED, as_png
from app.training.reporting.words import printable

MARGIN = 18 * mm
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN - 12 * mm

REGULAR, BOLD = "Report", "Report-Bold"
"""DejaVu, which matplotlib brings: it has the letters that tags and names are written with."""

STYLES = {
    "title": ParagraphStyle("title", fontName=BOLD, fontSize=20, leading=25, spaceAfter=8),
    "h2": ParagraphStyle("h2", fontName=BOLD, fontSize=14, leading=18, spaceAfter=6),
    "h3": ParagraphStyle(
        "h3", fontName=BOLD, fontSize=10.5, leading=14, spaceBefore=12, spaceAfter=4
    ),
    "text": ParagraphStyle("text", fontName=REGULAR, fontSize=8.5, leading=12.5, spaceAfter=6),
    "small": ParagraphStyle(
        "small", fontName=REGULAR, fontSize=7.5, leading=10, textColor=HexColor(MUTED), spaceAfter=8
    ),
    "words": ParagraphStyle("words", fontName=REGULAR, fontSize=7, leading=9),
    "number": ParagraphStyle("number", fontName=REGULAR, fontSize=7, leading=9, alignment=2),
}


def pdf(document: Document) -> bytes:
    """Write it."""
    _register_fonts()
    file = io.BytesIO()
    template = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=document.title,
        author="Taggram",
        invariant=1,  # no date: the same figures give the same bytes
    )
    flow = [_said(document.title, "title"), _said(document.lead, "small")]
    for number, section in enumerate(document.sections):
        flow += [PageBreak()] if number else []
        flow += _section(section)
    template.build(flow, onFirstPage=_numbered, onLaterPages=_numbered)
    return file.getvalue()


def _section(section: Section) -> Iterator[Flowable]:
    yield _said(section.title, "h2")
    yield from _blocks(section.blocks)
    for part in section.sections:
        first, *others = list(_blocks(part.blocks)) or [Spacer(0, 0)]
        yield KeepTogether([_said(part.title, "h3"), first])
        yield from others


def _blocks(blocks: Iterable[Block]) -> Iterator[Flowable]:
    for block in blocks:
        match block:
            case Prose(text):
                yield _said(text, "text")
            case Points(items):
                for point in items:
                    words = f'<font name="{BOLD}">{_inert(point.lead)}.</font> {_inert(point.text)}'
                    yield Paragraph(words, STYLES["text"])
            case Grid():
                yield from _grid(block)
            case Picture():
                yield KeepTogether(_picture(block))
            case Gallery(pictures):
                yield from _gallery(pictures)


def _grid(grid: Grid) -> Iterator[Flowable]:
    yield _said(grid.caption, "small")
    rows = [[Cell(name) for name in grid.head], *grid.rows]
    cells = [[_cell(cell, place < grid.words) for place, cell in enumerate(row)] for row in rows]
    share = WIDTH / (len(grid.head) + grid.words)
    widths = [2 * share] * grid.words + [share] * (len(grid.head) - grid.words)
    rules = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    yield LongTable(cells, widths, repeatRows=1, style=rules)
    yield Spacer(0, 10)


def _cell(cell: Cell, is_words: bool) -> Paragraph:
    text = _inert(cell.text)
    if cell.strong:
        text = f'<font name="{BOLD}">{text}</font>'
    if cell.note:
        text += f'<br/><font size="5.5" color="{MUTED}">{_inert(cell.note)}</font>'
    return Paragraph(text, STYLES["words" if is_words else "number"])


def _gallery(pictures: Sequence[Picture]) -> Iterator[Flowable]:
    """Two pictures beside one another."""
    for first in range(0, len(pictures), 2):
        pair = [_picture(each, WIDTH / 2 - 4 * mm) for each in pictures[first : first + 2]]
        cells = [*pair, ""][:2]
        yield LongTable([cells], [WIDTH / 2] * 2, style=[("VALIGN", (0, 0), (-1, -1), "TOP")])


def _picture(picture: Picture, width: float = WIDTH) -> list[Flowable]:
    wide, high = (size * inch for size in picture.figure.get_size_inches())
    scale = min(width / wide, (HEIGHT - 20 * mm) / high, 1.25)
    image = Image(io.BytesIO(as_png(picture.figure)), wide * scale, high * scale, hAlign="LEFT")
    return [image, _said(picture.title, "small")]


def _said(text: str, style: str) -> Paragraph:
    return Paragraph(_inert(text), STYLES[style])


def _inert(text: str) -> str:
    return escape(printable(text))


def _numbered(canvas: Canvas, _: SimpleDocTemplate) -> None:
    canvas.setFont(REGULAR, 7)
    canvas.setFillColor(HexColor(MUTED))
    canvas.drawRightString(A4[0] - MARGIN, 10 * mm, str(canvas.getPageNumber()))
    canvas.setFillColor(HexColor(INK))


def _register_fonts() -> None:
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    registerFont(TTFont(REGULAR, str(fonts / "DejaVuSans.ttf")))
    registerFont(TTFont(BOLD, str(fonts / "DejaVuSans-Bold.ttf")))
