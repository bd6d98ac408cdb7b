"""Reads tables from a database by its SQLAlchemy URL; SQLAlchemy is an optional dependency."""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sql

from app.errors import SetupError
from app.masking import mask, remember
from app.paths import reason
from app.recommender.tables.sources import BATCH_ROWS, RawRow

POSTGRESQL = "postgresql+psycopg"
"""The driver for PostgreSQL if the URL names none; it is in the extra `recommender`."""


class SqlSource:
    """The tables of a database."""

    def __init__(self, url: str) -> None:
        """Open it.

        Raises:
            SetupError: It can't be opened.
        """
        remember(url)
        self._name = mask(url)
        try:
            parsed = sql.make_url(url)
            if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
                raise SetupError(f"{self._name}: the file {parsed.database} does not exist")
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername=POSTGRESQL)
            self._engine = sql.create_engine(parsed, poolclass=sql.NullPool)
            with self._engine.connect():
                pass
        except ModuleNotFoundError as error:
            raise SetupError(
                f"{self._name}: its driver {error.name} is not installed; install it with pip"
            ) from error
        except sql.exc.SQLAlchemyError as error:
            raise SetupError(f"{self._name}: it can't be opened: {_cause(error)}") from error

    def __str__(self) -> str:
        return self._name

    def columns(self, table: str) -> tuple[str, ...]:
        """See `Source`."""
        return tuple(column.name for column in self._reflected(table).columns)

    def rows(self, table: str) -> Iterator[RawRow]:
        """See `Source`."""
        reflected = self._reflected(table)
        keys = [key for key in ("artist_id", "curator_id", "external_id") if key in reflected.c]
        try:
            with self._engine.connect() as connection:
                stream = connection.execution_options(yield_per=BATCH_ROWS)
                for row in stream.execute(sql.select(reflected)).mappings():
                    ids = ", ".join(f"{key} {row[key]!r}" for key in keys)
                    yield RawRow(f"{self._name}, table {table}, {ids}", row)
        except sql.exc.SQLAlchemyError as error:
            raise SetupError(f"{self._name}: {table} can't be read: {_cause(error)}") from error

    def _reflected(self, table: str) -> sql.Table:
        try:
            return sql.Table(table, sql.MetaData(), autoload_with=self._engine)
        except sql.exc.NoSuchTableError as error:
            raise SetupError(f"{self._name}: it has no table {table}; create it") from error
        except sql.exc.SQLAlchemyError as error:
            raise SetupError(f"{self._name}: {table} can't be read: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """Return a driver's message in one line: SQLAlchemy adds the statement and a link to it."""
    return mask(reason(getattr(error, "orig", None) or error))
