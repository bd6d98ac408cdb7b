"""Exports feedback as tables, and computes how many suggestions are accepted."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from app.errors import SetupError
from app.feedback.file import open_readable
from app.feedback.outcomes import ANSWERS
from app.text import csv_cell

BATCH_ROWS = 50_000
"""Rows in memory at a time, and in a row group of Parquet."""

TABLE = pa.schema(
    [
        ("feedback_id", pa.string()),
        ("given_at", pa.timestamp("ms", "UTC")),
        ("track_id", pa.string()),
        ("models", pa.string()),
        ("vocabulary", pa.string()),
        ("vocabulary_version", pa.string()),
        ("pooling", pa.string()),
        ("confidence", pa.string()),
        ("tag", pa.string()),
        ("rank", pa.int32()),
        ("score", pa.float64()),
        ("verdict", pa.string()),
    ],
    # Repeated values need no dictionary type: Parquet stores each of them once a row group.
    metadata={"taggram_feedback_version": "1"},
)

INTERACTIONS = pa.schema(
    [
        ("artist_id", pa.string()),
        ("curator_id", pa.string()),
        ("track_id", pa.string()),
        ("score", pa.float64()),
        ("at", pa.timestamp("ms", "UTC")),
        ("position", pa.int32()),
        ("propensity", pa.float64()),
    ]
)
"""The columns of a platform's interactions that `app.recommender.tables` reads."""

WRITERS: dict[str, Callable[[Path, pa.Schema], pq.ParquetWriter | pa_csv.CSVWriter]] = {
    ".parquet": pq.ParquetWriter,
    ".csv": pa_csv.CSVWriter,
}

ACCEPTANCE = """
SELECT vocabulary, models, rank,
       SUM(COUNT(*)) OVER so_far, SUM(SUM(verdict = 'accepted')) OVER so_far
FROM feedback WHERE rank IS NOT NULL GROUP BY vocabulary, models, rank
WINDOW so_far AS (PARTITION BY vocabulary, models ORDER BY rank)
ORDER BY vocabulary, models, rank
"""


@dataclass(frozen=True)
class Content:
    """What is exported.

    Attributes:
        schema: The columns of the table.
        query: The query for its rows, with the same columns.
        cell: Makes a cell of CSV safe for spreadsheets.
    """

    schema: pa.Schema
    query: str
    cell: Callable[[str], str]


def _unchanged_cell(text: str) -> str:
    """Return an id as a cell of CSV.

    Raises:
        SetupError: It is not safe there, and with any change it would be another id.
    """
    if (cell := csv_cell(text)) != text:
        raise SetupError(
            f"the id {cell!r} begins like a formula or has format characters, which are not safe "
            "in CSV; export .parquet instead"
        )
    return text


TAGS = Content(TABLE, "SELECT * FROM feedback ORDER BY rowid", csv_cell)
"""All feedback on tags, oldest first."""

ANSWERED = Content(INTERACTIONS, ANSWERS, _unchanged_cell)
"""The latest answer of each recommended curator, as a platform's interactions."""


@dataclass(frozen=True)
class Acceptance:
    """How many of the first `k` suggestions were accepted.

    Attributes:
        vocabulary: The vocabulary of the suggestions.
        models: The models of the suggestions.
        k: The number of suggestions of each track that are counted.
        shown: The number of suggestions that were shown.
        accepted: The number of them that were accepted.
    """

    vocabulary: str
    models: str
    k: int
    shown: int
    accepted: int


def export(
    source: Path,
    target: Path,
    on_progress: Callable[[int, int], object],
    content: Content = TAGS,
) -> int:
    """Write feedback as Parquet or CSV by the target's extension.

    Args:
        source: The service's feedback file, which the service may write at the same time.
        target: The file to write, which is replaced atomically.
        on_progress: Is called with the number of rows written and the number of all rows.
        content: `TAGS` or `ANSWERED`.

    Returns:
        The number of rows written.

    Raises:
        SetupError: The source is not a feedback file, the target can't be written, or CSV can't
            hold an id of `ANSWERED`.
    """
    writer_of = WRITERS.get(target.suffix.lower())
    if writer_of is None:
        raise SetupError(f"{target} has neither the extension .parquet nor .csv; use one of them")
    with open_readable(source) as connection, _replacing(target) as unfinished:
        connection.execute("BEGIN")  # so that the rows counted are the rows read
        counted = f"SELECT COUNT(*) FROM ({content.query})"  # noqa: S608 - a constant
        (total,) = connection.execute(counted).fetchone()
        done = 0
        cell = content.cell if target.suffix.lower() == ".csv" else None
        with writer_of(unfinished, content.schema) as writer:
            for batch in _batches(connection, content, cell):
                writer.write_batch(batch)
                done += batch.num_rows
                on_progress(done, total)
    return done


def acceptance(source: Path) -> list[Acceptance]:
    """Return the acceptance at each k, by vocabulary and models.

    Raises:
        SetupError: The source is not a feedback file.
    """
    with open_readable(source) as connection:
        return [Acceptance(*row) for row in connection.execute(ACCEPTANCE)]


def _batches(
    connection: sqlite3.Connection, content: Content, cell: Callable[[str], str] | None
) -> Iterator[pa.RecordBatch]:
    schema = content.schema
    rows = connection.execute(content.query)
    while chunk := rows.fetchmany(BATCH_ROWS):
        columns = dict(zip(schema.names, zip(*chunk, strict=True), strict=True))
        arrays = [_array(columns[field.name], field.type, cell) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(
    values: tuple[object, ...], kind: pa.DataType, cell: Callable[[str], str] | None
) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pc.cast(pa.array(values, pa.string()), kind)
    if cell and pa.types.is_string(kind):
        return pa.array([cell(each) if isinstance(each, str) else each for each in values], kind)
    return pa.array(values, kind)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Yield a file in the target's folder, which replaces the target after the body."""
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".export-") as folder:
            unfinished = Path(folder) / target.name
            yield unfinished
            os.replace(unfinished, target)  # noqa: PTH105 - overwrites atomically
    except OSError as error:
        raise SetupError(f"{target} can't be written: {error.strerror or error}") from error
