"""What the loaders share: a dataset as it is handed on, and its tables read row by row.

What is wrong with a whole file is a `SetupError`. What is wrong with one row is kept in
`Dataset.skipped`, and the others are read.
"""

import csv
import io
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.datasets.tracks import Track
from app.errors import SetupError
from app.paths import bounded_lines, open_file, reason

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_CELL = 16 * 2**20
"""Characters. FMA's biographies and notes are longer than what the csv module takes."""

NOTHING = frozenset({"", "[]"})
"""How a missing value is written; the second is FMA's empty list."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class About:
    """Where a dataset comes from.

    Attributes:
        title: What it is called.
        url: Where it is to be had.
        licence: Under which terms.
        citation: What to cite.
        files: What a loader reads.
        sha1: Of files as they are published, where that is known for certain.
    """

    title: str
    url: str = ""
    licence: str = ""
    citation: str = ""
    files: tuple[str, ...] = ()
    sha1: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A row that could not be read.

    Attributes:
        file: In which file.
        row: The line on which it starts, from 1; 0 where the file itself is meant.
        why: What is wrong with it.
    """

    file: Path
    row: int
    why: str


@dataclass(frozen=True)
class Dataset:
    """What a dataset's metadata say.

    Attributes:
        name: As in `Track.dataset`.
        about: Where it comes from.
        tracks: With its own tags.
        categories: By tag, what sorts of tag it is; empty where the dataset does not sort them.
        skipped: What could not be read.
        missing: By column of its tables, the share of rows without a value.
    """

    name: str
    about: About
    tracks: tuple[Track, ...]
    categories: Mapping[str, frozenset[str]]
    skipped: tuple[Skipped, ...]
    missing: Mapping[str, float] = field(default_factory=dict)


class Sheet:
    """A table of metadata: iterating gives line and cells of each row that has all columns.

    Args:
        path: Text in UTF-8.
        needed: Columns without which it is of no use.
        dialect: `csv.excel` for commas, `csv.excel_tab` for tabs.
        header: Takes the names of the columns from the first rows.
        ragged: The last column takes all cells to the end of the row, with tabs between them.
    """

    def __init__(
        self,
        path: Path,
        needed: tuple[str, ...],
        dialect: type[csv.Dialect] = csv.excel,
        header: Callable[[Iterator[list[str]]], list[str]] = next,
        ragged: bool = False,
    ) -> None:
        self.path = path
        self.skipped: list[Skipped] = []
        self._needed, self._dialect, self._header = needed, dialect, header
        self._ragged = ragged
        self._rows, self._empty = 0, Counter[str]()

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """Read on.

        Raises:
            SetupError: The file can't be read, is no such text, or lacks a column.
        """
        try:
            with io.TextIOWrapper(open_file(self.path), encoding="utf-8-sig", newline="") as file:
                yield from self._read(csv.reader(bounded_lines(file), self._dialect))
        except (OSError, ValueError, csv.Error) as error:
            raise SetupError(f"{self.path}: it can't be read: {reason(error)}") from error

    @property
    def missing(self) -> dict[str, float]:
        """By column, the share of the rows so far without a value."""
        return {column: count / max(self._rows, 1) for column, count in self._empty.items()}

    def skip(self, line: int, why: str) -> None:
        """Leave a row out."""
        self.skipped.append(Skipped(self.path, line, why))

    def _read(self, rows: "Reader") -> Iterator[tuple[int, Row]]:
        all_cells = _long_cells(rows)
        columns = self._columns(all_cells)
        self._empty.update(dict.fromkeys(columns, 0))
        line = rows.line_num + 1
        for cells in all_cells:
            whole = self._joined(cells, len(columns))
            if len(whole) == len(columns):
                row = dict(zip(columns, whole, strict=True))
                self._rows += 1
                if not NOTHING.isdisjoint(whole):
                    self._empty.update(column for column in columns if row[column] in NOTHING)
                yield line, row
            elif cells:
                self.skip(line, _miscounted(len(cells), len(columns), rows.line_num - line))
            line = rows.line_num + 1

    def _columns(self, rows: Iterator[list[str]]) -> list[str]:
        try:
            columns = self._header(rows)
        except StopIteration:
            raise SetupError(f"{self.path}: it is empty") from None
        for column in self._needed:
            if column not in columns:
                raise SetupError(f"{self.path}: the column {column!r} is missing")
        if twice := [column for column, count in Counter(columns).items() if count > 1]:
            raise SetupError(f"{self.path}: the column {twice[0]!r} is there twice")
        return columns

    def _joined(self, cells: list[str], columns: int) -> list[str]:
        if not self._ragged or len(cells) < columns - 1:
            return cells
        return [*cells[: columns - 1], "\t".join(cells[columns - 1 :])]


def read_tracks(sheet: Sheet, parse: Callable[[Row], Track | None]) -> list[Track]:
    """Make a track of each row; rows of which `parse` raises a ValueError are skipped.

    Args:
        sheet: Where they are.
        parse: Gives none where a row is not wanted.

    Raises:
        SetupError: The sheet can't be read, or two rows are of one track.
    """
    tracks: list[Track] = []
    lines: dict[str, int] = {}
    for line, row in sheet:
        try:
            track = parse(row)
        except ValueError as error:
            sheet.skip(line, str(error))
            continue
        if track is None:
            continue
        if track.id in lines:
            both = f"lines {lines[track.id]} and {line}"
            raise SetupError(f"{sheet.path}: {both} are both of {track.path}; leave one of them")
        lines[track.id] = line
        tracks.append(track)
    return tracks


def within(folder: Path, inner: str, wanted: str) -> Path:
    """The folder that has the file wanted: this one, or that of its archive in it.

    Raises:
        SetupError: Neither.
    """
    for place in (folder, folder / inner):
        if (place / wanted).is_file():
            return place
    raise SetupError(f"{folder}: neither {wanted} nor {inner}/{wanted} is there")


def artist_name(name: str) -> str:
    """A name as all datasets have it: in NFC, without capitals and needless spaces."""
    return " ".join(composed(name).casefold().split())


def composed(name: str) -> str:
    """A name in NFC: the same for all ways to write its accents."""
    return unicodedata.normalize("NFC", name)


def number(text: str, column: str) -> float | None:
    """A cell as a number that is not negative; none where it is empty.

    Raises:
        ValueError: It is something else.
    """
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{column}: {text[:40]!r} is no number")
    return value


def _long_cells(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Read rows whose cells have up to `LONGEST_CELL` characters.

    The csv module has one limit for all of a process, so it is put back before each row is used.
    """
    while True:
        before = csv.field_size_limit(LONGEST_CELL)
        try:
            cells = next(rows, None)
        finally:
            csv.field_size_limit(before)
        if cells is None:
            return
        yield cells


def _miscounted(cells: int, columns: int, further_lines: int) -> str:
    why = f"it has {cells} columns, and the header {columns}"
    if further_lines:
        why += f"; it goes on for {further_lines} lines more: is a quotation mark missing?"
    return why
