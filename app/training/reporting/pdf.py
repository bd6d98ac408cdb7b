"""The report on paper: A4, with page numbers, bookmarks and words that can be selected."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
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

FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
"""Matplotlib brings them: Latin, Greek and Cyrillic letters."""

MARGIN = 16 * mm
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
PICTURE_HEIGHT = HEIGHT - 16 * mm
COLUMNS = 2
GAP = 5 * mm

BODY = ParagraphStyle("body", fontName=FONT, fontSize=8.5, leading=12.5, textColor=HexColor(INK))
BODY.spaceAfter = 5
TITLE = ParagraphStyle("title", BODY, fontName=BOLD, fontSize=22, leading=27, spaceAfter=6)
CHAPTER = ParagraphStyle("chapter", BODY, fontName=BOLD, fontSize=15, leading=19, spaceAfter=6)
PART = ParagraphStyle("part", BODY, fontName=BOLD, fontSize=11, leading=15, spaceBefore=10)
CAPTION = ParagraphStyle("caption", BODY, fontName=BOLD, fontSize=8, leading=11, spaceBefore=6)
ITEM = ParagraphStyle("item", BODY, leftIndent=10, bulletIndent=0)
WORD = ParagraphStyle("word", BODY, fontSize=7, leading=9, spaceAfter=0)
NUMBER = ParagraphStyle("number", WORD, alignment=TA_RIGHT)
HEADINGS = {CHAPTER.name: 0, PART.name: 1}
"""What is found in the bookmarks, and how deep."""

LEAST_LETTERS, MOST_LETTERS = 8, 26
"""A column's width goes by its longest text, within these."""


def as_pdf(document: Document) -> bytes:
    """Write it; the same document gives the same bytes."""
    _register()
    file = io.BytesIO()
    _Paper(file, document.title).build(list(_story(document)))
    return file.getvalue()


class _Paper(BaseDocTemplate):  # type: ignore[misc] # reportlab has no types
    """Pages with numbers, and bookmarks of all headings."""

    def __init__(self, file: io.BytesIO, title: str) -> None:
        super().__init__(file, pagesize=A4, title=title, invariant=1, lang="en")
        frame = Frame(MARGIN, MARGIN, WIDTH, HEIGHT, 0, 0, 0, 0)
        self.addPageTemplates(PageTemplate(frames=[frame], onPage=self._number))
        self._headings = 0

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab calls it so
        level = HEADINGS.get(getattr(getattr(flowable, "style", None), "name", ""))
        if level is None:
            return
        self._headings += 1
        key = f"h{self._headings}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(flowable.getPlainText(), key, level)

    def _number(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFont(FONT, 7.5)
        canvas.setFillColor(HexColor(MUTED))
        canvas.drawString(MARGIN, MARGIN / 2, self.title)
        canvas.drawRightString(A4[0] - MARGIN, MARGIN / 2, f"page {canvas.getPageNumber()}")


def _register() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, folder / f"{name}.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _story(document: Document) -> Iterator[Flowable]:
    yield Paragraph(_safe(document.title), TITLE)
    yield Paragraph(_safe(document.lead), BODY)
    for at, section in enumerate(document.sections):
        if at:
            yield PageBreak()
        yield from _section(section, CHAPTER)


def _section(section: Section, style: ParagraphStyle) -> Iterator[Flowable]:
    flowables = [each for block in section.blocks for each in _block(block)]
    # A heading stays with what it is of.
    yield KeepTogether([Paragraph(_safe(section.title), style), *flowables[:1]])
    yield from flowables[1:]
    for part in section.sections:
        yield from _section(part, PART)


def _block(block: Block) -> Iterator[Flowable]:
    match block:
        case Prose(text):
            yield Paragraph(_safe(text), BODY)
        case Points(items):
            for item in items:
                told = f"<b>{_safe(item.lead)}.</b> {_safe(item.text)}"
                yield Paragraph(told, ITEM, bulletText="•")
        case Picture():
            yield KeepTogether(_picture(block, WIDTH))
        case Gallery(pictures):
            yield from _gallery(pictures)
        case Grid():
            yield _grid(block)


def _picture(picture: Picture, width: float) -> list[Flowable]:
    """With its title, no larger than drawn, nor than there is room for."""
    wide, high = (inches * 72 for inches in picture.figure.get_size_inches())
    scale = min(1, width / wide, PICTURE_HEIGHT / high)
    image = Image(io.BytesIO(as_png(picture.figure)), wide * scale, high * scale, hAlign="LEFT")
    return [Paragraph(_safe(picture.title), CAPTION), image, Spacer(0, 6)]


def _gallery(pictures: Sequence[Picture]) -> Iterator[Flowable]:
    width = (WIDTH - GAP) / COLUMNS
    for at in range(0, len(pictures), COLUMNS):
        cells = [_picture(each, width) for each in pictures[at : at + COLUMNS]]
        cells += [[]] * (COLUMNS - len(cells))
        yield Table([cells], colWidths=WIDTH / COLUMNS, hAlign="LEFT", style=_bare())


def _grid(grid: Grid) -> Flowable:
    head = [
        _paragraph(Cell(name, strong=True), at < grid.words) for at, name in enumerate(grid.head)
    ]
    rows = [[_paragraph(cell, at < grid.words) for at, cell in enumerate(row)] for row in grid.rows]
    caption = [Paragraph(_safe(grid.caption), CAPTION), *[""] * (len(head) - 1)]
    lines = [
        ("SPAN", (0, 0), (-1, 0)),
        ("LINEBELOW", (0, 1), (-1, -1), 0.5, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 1), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 1), (-1, -1), 2.5),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
    ]
    return Table(
        [caption, head, *rows],
        colWidths=_widths(grid),
        repeatRows=2,
        hAlign="LEFT",
        style=lines,
        spaceAfter=8,
    )


def _widths(grid: Grid) -> list[float]:
    letters = [
        min(MOST_LETTERS, max(LEAST_LETTERS, *(_letters(row[at]) for row in grid.rows), len(name)))
        if grid.rows
        else LEAST_LETTERS
        for at, name in enumerate(grid.head)
    ]
    each = min(WIDTH / sum(letters), 2.2 * mm)
    return [each * amount for amount in letters]


def _letters(cell: Cell) -> int:
    return max(len(cell.text), len(cell.note))


def _paragraph(cell: Cell, is_word: bool) -> Paragraph:
    text = f"<b>{_safe(cell.text)}</b>" if cell.strong else _safe(cell.text)
    if cell.note:
        text += f'<br/><font size="6" color="{MUTED}">{_safe(cell.note)}</font>'
    return Paragraph(text, WORD if is_word else NUMBER)


def _bare() -> list[tuple[object, ...]]:
    every = ((0, 0), (-1, -1))
    sides = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    return [("VALIGN", *every, "TOP"), *((side, *every, 0) for side in sides)]


def _safe(text: str) -> str:
    return escape(printable(text))
