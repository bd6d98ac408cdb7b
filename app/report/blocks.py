"""The elements of a report."""

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, a small note below it, and whether it is bold."""

    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        caption: The caption.
        head: The names of the columns.
        rows: The rows, with as many cells as the head.
        words: The number of leading columns with words; the others have numbers.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Picture:
    """A chart.

    Attributes:
        title: Its title.
        description: The alternative text.
        figure: The chart, in colours of `app.plot_style`.
    """

    title: str
    description: str
    figure: Figure


@dataclass(frozen=True)
class Gallery:
    """Pictures that are shown in a row if there is room."""

    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Switched:
    """Blocks of two levels, of which the page shows one: whole songs, or single windows."""

    songs: tuple["Block", ...]
    windows: tuple["Block", ...]


Block = Prose | Grid | Picture | Gallery | Switched


@dataclass(frozen=True)
class Section:
    """A section with a title, blocks, and subsections."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def has_levels(self) -> bool:
        """Whether the page needs a switch between songs and windows."""
        return any(map(_has_levels, self.sections))


def _has_levels(section: Section) -> bool:
    own = any(isinstance(block, Switched) for block in section.blocks)
    return own or any(map(_has_levels, section.sections))
