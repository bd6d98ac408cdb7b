"""Reads the rows of tables: from files in a folder, or from a database by its SQLAlchemy URL.

The table `artists` is `artists.parquet`, `artists.csv`, or a folder `artists` of Parquet files.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from app.errors import SetupError
from app.paths import bounded_lines, check_is_file, open_file, reason

BATCH_ROWS = 8192
"""Rows that are in memory at a time."""


class RawRow(NamedTuple):
    """A row that is not checked yet.

    Attributes:
        place: Where it is, such as `tracks.csv, line 3`.
        values: Its cells, by column.
        fault: Why it can't be split into cells; empty if it can.
    """

    place: str
    values: Mapping[str, Any]
    fault: str = ""


class Source(Protocol):
    """Where tables are read from; as text, its name without secrets."""

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the names of a table's columns.

        Raises:
            SetupError: There is no such table, or it can't be read.
        """

    def rows(self, table: str) -> Iterator[RawRow]:
        """Yield the rows of a table.

        Raises:
            SetupError: It can't be read.
        """


def open_source(place: str) -> Source:
    """Return a source.

    Args:
        place: A folder, or a URL of SQLAlchemy.

    Raises:
        SetupError: It does not exist, or the database can't be opened.
    """
    if "://" in place:
        from app.recommender.tables.sql_source import SqlSource

        return SqlSource(place)
    if not Path(place).is_dir():
        raise SetupError(f"{place}: expected a folder with tables, or a URL such as sqlite:///a.db")
    return FolderSource(Path(place))


class FolderSource:
    """The tables in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def columns(self, table: str) -> tuple[str, ...]:
        """See `Source`."""
        path = self._files(table)[0]
        try:
            if path.suffix == ".parquet":
                with pq.ParquetFile(path) as file:
                    return tuple(file.schema_arrow.names)
            with path.open(encoding="utf-8-sig", newline="") as text:
                return tuple(next(csv.reader(bounded_lines(text)), ()))
        except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
            raise _unreadable(path, error) from error

    def rows(self, table: str) -> Iterator[RawRow]:
        """See `Source`."""
        for path in self._files(table):
            read = _parquet_rows if path.suffix == ".parquet" else _csv_rows
            try:
                yield from read(path)
            except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
                raise _unreadable(path, error) from error

    def _files(self, table: str) -> list[Path]:
        """Return the files of a table: one, or those of its folder."""
        named = [self._folder / f"{table}{suffix}" for suffix in (".parquet", ".csv")]
        found = [[path] for path in named if path.exists()]
        found += [files] if (files := sorted((self._folder / table).glob("*.parquet"))) else []
        if len(found) > 1:
            places = " and ".join(str(files[0]) for files in found)
            raise SetupError(f"{self._folder}: {places} are the same table; remove one")
        if not found:
            raise SetupError(
                f"{self._folder}: it has no table {table}; expected {table}.parquet, {table}.csv, "
                f"or a folder {table} of Parquet files"
            )
        for path in found[0]:
            try:
                check_is_file(path)
            except OSError as error:
                raise _unreadable(path, error) from error
        return found[0]


def _unreadable(path: Path, error: Exception) -> SetupError:
    return SetupError(f"{path}: can't be read: {reason(error)}")


def _parquet_rows(path: Path) -> Iterator[RawRow]:
    with pq.ParquetFile(path) as file:
        number = 0
        for batch in file.iter_batches(BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield RawRow(f"{path.name}, row {number}", row)


def _csv_rows(path: Path) -> Iterator[RawRow]:
    with open_file(path) as opened:
        opened.close()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(bounded_lines(file))
        for row in reader:
            place = f"{path.name}, line {reader.line_num}"
            is_whole = None not in row and None not in row.values()
            width = len(reader.fieldnames or ())
            yield RawRow(place, row, "" if is_whole else f"expected {width} cells")
