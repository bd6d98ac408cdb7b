"""Feedback for the data team: all of it as a table, and how much is accepted."""

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
from app.feedback.file import VERSION, reading
from app.text import csv_cell

BATCH_ROWS = 50_000
"""Held in memory at a time, and a row group of Parquet."""

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
    # Words that repeat are strings here: Parquet itself writes each of them once a row group.
    metadata={"taggram_feedback_version": str(VERSION)},
)

WRITERS: dict[str, Callable[[Path], pq.ParquetWriter | pa_csv.CSVWriter]] = {
    ".parquet": lambda path: pq.ParquetWriter(path, TABLE),
    ".csv": lambda path: pa_csv.CSVWriter(path, TABLE),
}

ACCEPTANCE = """
SELECT vocabulary, models, rank,
       SUM(COUNT(*)) OVER so_far, SUM(SUM(verdict = 'accepted')) OVER so_far
FROM feedback WHERE rank IS NOT NULL GROUP BY vocabulary, models, rank
WINDOW so_far AS (PARTITION BY vocabulary, models ORDER BY rank)
ORDER BY vocabulary, models, rank
"""


@dataclass(frozen=True)
class Acceptance:
    """How much of the first `k` suggestions was accepted.

    Attributes:
        vocabulary: Of which words.
        models: Of which models' suggestions.
        k: Of so many a track.
        shown: So many were shown.
        accepted: So many of them were taken.
    """

    vocabulary: str
    models: str
    k: int
    shown: int
    accepted: int


def export(source: Path, target: Path, on_progress: Callable[[int, int], object]) -> int:
    """Write all feedback, oldest first, as Parquet or CSV by the target's ending.

    Args:
        source: The service's file; it may go on writing it.
        target: Appears whole, or not at all.
        on_progress: Is told how many rows are written, of how many.

    Returns:
        How many rows.

    Raises:
        SetupError: The source is no file of feedback, or the target can't be written.
    """
    writer_of = WRITERS.get(target.suffix.lower())
    if writer_of is None:
        raise SetupError(f"{target} ends neither in .parquet nor in .csv; name it so")
    with reading(source) as connection, _written(target) as unfinished:
        connection.execute("BEGIN")  # what is counted is what is read
        (total,) = connection.execute("SELECT COUNT(*) FROM feedback").fetchone()
        done = 0
        cell = csv_cell if target.suffix.lower() == ".csv" else None
        with writer_of(unfinished) as writer:
            for batch in _batches(connection, cell):
                writer.write_batch(batch)
                done += batch.num_rows
                on_progress(done, total)
    return done


def acceptance(source: Path) -> list[Acceptance]:
    """Acceptance at each k, by vocabulary and models.

    Raises:
        SetupError: That is no file of feedback.
    """
    with reading(source) as connection:
        return [Acceptance(*row) for row in connection.execute(ACCEPTANCE)]


def _batches(
    connection: sqlite3.Connection, cell: Callable[[str], str] | None
) -> Iterator[pa.RecordBatch]:
    rows = connection.execute("SELECT * FROM feedback ORDER BY rowid")  # TABLE has its columns
    while chunk := rows.fetchmany(BATCH_ROWS):
        columns = dict(zip(TABLE.names, zip(*chunk, strict=True), strict=True))
        arrays = [_array(columns[field.name], field.type, cell) for field in TABLE]
        yield pa.RecordBatch.from_arrays(arrays, schema=TABLE)


def _array(
    values: tuple[object, ...], kind: pa.DataType, cell: Callable[[str], str] | None
) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pc.cast(pa.array(values, pa.string()), kind)
    if cell and pa.types.is_string(kind):
        return pa.array([cell(each) if isinstance(each, str) else each for each in values], kind)
    return pa.array(values, kind)


@contextmanager
def _written(target: Path) -> Iterator[Path]:
    """Lend out a file beside the target that takes its place once it is whole."""
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".export-") as folder:
            unfinished = Path(folder) / target.name
            yield unfinished
            os.replace(unfinished, target)  # noqa: PTH105 - over what is there, in one step
    except OSError as error:
        raise SetupError(f"{target} can't be written: {error.strerror or error}") from error
