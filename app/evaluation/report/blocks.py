"""What a report consists of."""

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Point:
    """A line of a list: what it is about, and what is to be said."""

    lead: str
    text: str


@dataclass(frozen=True)
class Points:
    """A list."""

    items: tuple[Point, ...]


@dataclass(frozen=True)
class Cell:
    """Of a table: its text, what stands small below it, and whether it stands out."""

    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        caption: What it shows.
        head: The names of its columns.
        rows: As long as the head each.
        words: So many columns hold words, and come first; the others hold numbers.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Picture:
    """A drawing.

    Attributes:
        title: Its name.
        description: For those who do not see it: what is to be seen.
        figure: The drawing, in colours of `drawing.THEME`.
    """

    title: str
    description: str
    figure: Figure


@dataclass(frozen=True)
class Gallery:
    """Pictures that stand side by side where there is room."""

    pictures: tuple[Picture, ...]


Block = Prose | Points | Grid | Picture | Gallery


@dataclass(frozen=True)
class Section:
    """A part with a title; parts of it follow its own blocks."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()


@dataclass(frozen=True)
class Document:
    """All of it."""

    title: str
    lead: str
    sections: tuple[Section, ...]
