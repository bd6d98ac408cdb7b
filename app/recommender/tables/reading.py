"""Reads a platform's tables: each row is checked, and what is left out is counted and named."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from app.errors import SetupError
from app.paths import shortened
from app.recommender.data import Platform
from app.recommender.tables.assembly import Assembly
from app.recommender.tables.interaction_columns import InteractionColumns
from app.recommender.tables.problems import InvalidTablesError, Problem, Problems
from app.recommender.tables.rows import (
    EXPECTED,
    ArtistRow,
    CuratorRow,
    InteractionRow,
    Row,
    TrackRow,
    without_blanks,
)
from app.recommender.tables.sources import BATCH_ROWS, RawRow, Source, open_source

MAX_INVALID_SHARE = 0.05

AnyRow = TypeVar("AnyRow", bound=Row)


def read_platform(
    place: str,
    subgenres: Sequence[str],
    *,
    now: datetime | None = None,
    max_invalid_share: float = MAX_INVALID_SHARE,
) -> tuple[Platform, Problems]:
    """Read and check the tables of a platform.

    Args:
        place: A folder with Parquet or CSV files, or a URL of SQLAlchemy.
        subgenres: The subgenres that artists and curators choose from.
        now: Later interactions are left out; by default the current time.
        max_invalid_share: The largest share of a table's rows that may be left out.

    Returns:
        The tables, and the problems that were found.

    Raises:
        SetupError: A table or a column is missing, or can't be read.
        InvalidTablesError: A table is empty, or too many of its rows are not valid.
    """
    problems = Problems()
    tables = _Tables(open_source(place), problems)
    assembly = Assembly(tuple(subgenres), problems)
    artists = assembly.artists(tables.rows("artists", ArtistRow))
    curators = assembly.curators(tables.rows("curators", CuratorRow))
    tracks = assembly.tracks(tables.rows("tracks", TrackRow), artists)
    columns = InteractionColumns(artists, curators, tracks, problems, now or datetime.now(UTC))
    interactions = columns.read(tables.rows("interactions", InteractionRow))
    if fault := problems.find_fault(max_invalid_share):
        raise InvalidTablesError(f"{tables.name}: {fault}", problems)
    platform = Platform(tuple(subgenres), artists, curators, tracks, interactions)
    assembly.note_gaps(platform)
    return platform, problems


class _Tables:
    """The rows of a source that are valid."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems

    @property
    def name(self) -> str:
        """Return the place of the tables."""
        return str(self._source)

    def rows(self, table: str, kind: type[AnyRow]) -> Iterator[tuple[str, AnyRow]]:
        """Yield the place and the values of each valid row.

        Raises:
            SetupError: The table is missing, can't be read, or lacks a column.
        """
        self._check_columns(table, kind)
        adapter = TypeAdapter(list[kind])  # type: ignore[valid-type]
        self._problems.rows[table] += 0
        batch: list[RawRow] = []
        for raw in self._source.rows(table):
            self._problems.rows[table] += 1
            if raw.fault:
                self._problems.add(table, Problem.INVALID_VALUE, raw.place, raw.fault)
                continue
            batch.append(raw)
            if len(batch) == BATCH_ROWS:
                yield from self._valid(table, adapter, batch)
                batch = []
        yield from self._valid(table, adapter, batch)

    def _check_columns(self, table: str, kind: type[Row]) -> None:
        found = self._source.columns(table)
        required = kind.required_columns()
        if missing := [name for name in required if name not in found]:
            raise SetupError(
                f"{self.name}: the table {table} has no column {', '.join(missing)}; it has "
                f"{', '.join(found) or 'none'}, and needs {', '.join(required)}"
            )
        for name in found:
            if name not in kind.model_fields:
                detail = f"{name} is not used; known are {', '.join(kind.model_fields)}"
                self._problems.add(table, Problem.UNUSED_COLUMN, f"table {table}", detail)

    def _valid(
        self, table: str, adapter: TypeAdapter[list[AnyRow]], batch: Sequence[RawRow]
    ) -> Iterator[tuple[str, AnyRow]]:
        """Check a batch at once, and if that fails, once more without the invalid rows."""
        values = [without_blanks(raw.values) for raw in batch]
        try:
            rows = adapter.validate_python(values)
        except ValidationError as error:
            first: dict[int | str, str] = {}
            for each in error.errors(include_url=False, include_context=False):
                first.setdefault(each["loc"][0], str(each["loc"][1]))
            for index, column in first.items():
                assert isinstance(index, int)  # noqa: S101 - the place in a list
                value = values[index].get(column)
                found = "empty" if value is None else shortened(repr(value))
                self._problems.add(
                    *(table, Problem.INVALID_VALUE, f"{batch[index].place}, column {column}"),
                    f"it is {found}; expected {EXPECTED[column]}",
                )
            batch = [raw for index, raw in enumerate(batch) if index not in first]
            rows = adapter.validate_python([without_blanks(raw.values) for raw in batch])
        yield from zip([raw.place for raw in batch], rows, strict=True)
