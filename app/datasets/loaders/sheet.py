"""Reads the tables of a dataset's metadata row by row.

An invalid file raises a `SetupError`. An invalid row is listed in `Sheet.skipped`, and the others
are read.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.datasets.loaders.dataset import Skipped
from app.datasets.tracks import Track
from app.errors import SetupError
from app.paths import bounded_lines, open_file, reason

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_CELL = 16 * 2**20
"""In characters. FMA's biographies and notes exceed the csv module's default limit."""

MISSING = frozenset({"", "[]"})
"""Missing values; the second is FMA's empty list."""

Row = Mapping[str, str]


class Sheet:
    """A table of metadata: iterating yields the line number and cells of each complete row.

    Args:
        path: Text in UTF-8.
        needed: The required columns.
        dialect: `csv.excel` for commas, `csv.excel_tab` for tabs.
        header: Reads the names of the columns from the first rows.
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
        """Yield the line number and cells of each complete row.

        Raises:
            SetupError: The file can't be read, is not such a table, or lacks a column.
        """
        try:
            with io.TextIOWrapper(open_file(self.path), encoding="utf-8-sig", newline="") as file:
                yield from self._read(csv.reader(bounded_lines(file), self._dialect))
        except (OSError, ValueError, csv.Error) as error:
            raise SetupError(f"{self.path}: can't be read: {reason(error)}") from error

    @property
    def missing(self) -> dict[str, float]:
        """Return by column the share of the rows read so far without a value."""
        return {column: count / max(self._rows, 1) for column, count in self._empty.items()}

    def skip(self, line: int, why: str) -> None:
        """Record that a row is left out."""
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
                if not MISSING.isdisjoint(whole):
                    self._empty.update(column for column in columns if row[column] in MISSING)
                yield line, row
            elif cells:
                self.skip(line, _miscounted(len(cells), len(columns), rows.line_num - line))
            line = rows.line_num + 1

    def _columns(self, rows: Iterator[list[str]]) -> list[str]:
        try:
            columns = self._header(rows)
        except StopIteration:
            raise SetupError(f"{self.path}: the file is empty") from None
        for column in self._needed:
            if column not in columns:
                raise SetupError(f"{self.path}: the column {column!r} is missing")
        if twice := [column for column, count in Counter(columns).items() if count > 1]:
            raise SetupError(f"{self.path}: the column {twice[0]!r} is a duplicate")
        return columns

    def _joined(self, cells: list[str], columns: int) -> list[str]:
        if not self._ragged or len(cells) < columns - 1:
            return cells
        return [*cells[: columns - 1], "\t".join(cells[columns - 1 :])]


def read_tracks(sheet: Sheet, parse: Callable[[Row], Track | None]) -> list[Track]:
    """Make a track of each row; rows of which `parse` raises a ValueError are skipped.

    Args:
        sheet: The table.
        parse: Returns the track of a row, or None if the row is not wanted.

    Raises:
        SetupError: The sheet can't be read, or two rows describe one track.
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
            raise SetupError(f"{sheet.path}: {both} both describe {track.path}; remove one of them")
        lines[track.id] = line
        tracks.append(track)
    return tracks


def number(text: str, column: str) -> float | None:
    """Parse a cell as a non-negative number; return None if it is empty.

    Raises:
        ValueError: It is not such a number.
    """
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{column}: {text[:40]!r} is not a non-negative number")
    return value


def _long_cells(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Read rows with cells of up to `LONGEST_CELL` characters.

    The csv module has one limit for the whole process, so it is restored after each row.
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
    why = f"the row has {cells} columns, the header {columns}"
    if further_lines:
        why += f"; the row spans {further_lines} more lines: is a quotation mark missing?"
    return why
