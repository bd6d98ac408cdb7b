"""The Parquet files of a catalogue: `tracks/<model>/<version>/<time>-<random>.parquet`.

A file holds one batch and never changes, except that rows are removed once newer ones replace them.
Each model and version has a folder, as their tags differ in number.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.catalogue.entries import COLUMNS, PASSING, Row, check_columns
from app.catalogue.rows import Outcome, ScoredTags, TrackRow, as_text
from app.catalogue.storage import Storage
from app.domain import ModelRef
from app.errors import SetupError
from app.paths import reason

TRACKS = "tracks"
ABOUT = b"taggram"
"""The key of the metadata of a file's schema, a JSON object."""

INDEX = ("external_id", "uri", "fingerprint", "track_id", "status", "tagged_at")
"""The columns that a later run reads to continue."""

GROUP_ROWS = 4096
"""Rows that are read to find one of them."""

SOURCE_ROWS = 4096
"""Rows of a source that are in memory at a time."""


def track_schema(tags: ScoredTags) -> pa.Schema:
    """Return the schema of a model's rows, with the names of its tags in the metadata."""
    about = {
        "table": TRACKS,
        "model": tags.ref.name,
        "model_version": tags.ref.version,
        "scores": "means over the windows",
        "tags": tags.names,
        "embedding": tags.embedding,
    }
    fields = [
        pa.field("track_id", pa.string()),
        pa.field("external_id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("artist_id", pa.string()),
        pa.field("duration_s", pa.float64()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("damaged", pa.bool_(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("precision", pa.string()),
        pa.field("scores", pa.list_(pa.float32(), len(tags.names))),
        pa.field("tagged_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("fingerprint", pa.string()),
    ]
    if tags.embedding:
        fields.append(pa.field("embedding", pa.list_(pa.float16(), tags.embedding)))
    return pa.schema(fields, metadata={ABOUT: json.dumps(about)})


def stored_tags(table: pa.Table) -> tuple[str, ...]:
    """Return the names of the tags in a table's metadata; empty if it has none."""
    return tuple(_about(table).get("tags", ()))


def stored_embedding(table: pa.Table) -> int:
    """Return the width of the embedding in a table's metadata; 0 if its rows have none."""
    return int(_about(table).get("embedding", 0))


def model_folder(ref: ModelRef) -> str:
    """Return the folder of a model's rows, as a path in the catalogue."""
    return f"{TRACKS}/{ref.name}/{ref.version}"


def new_file_name() -> str:
    """Return a name for a new file; later ones sort after earlier ones, and no two are equal."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.parquet"


def write_batch(out: Storage, tags: ScoredTags, rows: Sequence[TrackRow]) -> str:
    """Write rows of a model to a new file, and return its path in the catalogue.

    Raises:
        SetupError: It can't be written; no partial file is left.
    """
    path = f"{model_folder(tags.ref)}/{new_file_name()}"
    table = pa.Table.from_pylist([_values(row, tags.ref) for row in rows], track_schema(tags))
    write_table(out, path, table)
    return path


def write_table(out: Storage, path: str, table: pa.Table) -> None:
    """Write a table atomically.

    Raises:
        SetupError: It can't be written; no partial file is left.
    """
    with out.write(path) as file:
        pq.write_table(table, file, compression="zstd", row_group_size=GROUP_ROWS)


def batch_files(out: Storage, ref: ModelRef) -> list[str]:
    """Return the files with a model's rows, oldest first, as paths in the catalogue.

    Raises:
        SetupError: They can't be listed.
    """
    return [path for path in out.files(model_folder(ref)) if path.endswith(".parquet")]


def models_in(out: Storage) -> list[ModelRef]:
    """Return the models that have rows in a catalogue.

    Raises:
        SetupError: It is not a catalogue, or can't be listed.
    """
    parts = [path.split("/") for path in out.files(TRACKS) if path.endswith(".parquet")]
    refs = {(name, version) for _, name, version, _ in filter(_is_batch, parts)}
    if not refs:
        raise SetupError(
            f"{out.where()}: it has no files below {TRACKS}; create it with `taggram catalogue tag`"
        )
    return [ModelRef(*ref) for ref in sorted(refs)]


def read_table(out: Storage, path: str, columns: Iterable[str] | None = None) -> pa.Table:
    """Return a file of a catalogue, or some of its columns.

    Raises:
        SetupError: It can't be read, or lacks a column.
        FileNotFoundError: It does not exist, maybe no longer.
    """
    names = None if columns is None else list(columns)
    try:
        table = out.read(path, lambda file: pq.ParquetFile(file).read(names))
    except (pa.ArrowException, ValueError) as error:
        raise _unreadable(out, path, error) from error
    if missing := set(names or ()) - set(table.column_names):
        raise SetupError(
            f"{out.where(path)}: it has no column {min(missing)}; it is not part of a catalogue"
        )
    return table if names is None else table.select(names)


def read_batches(
    out: Storage, ref: ModelRef, columns: Iterable[str] | None = None
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the path and the rows of each file of a model, oldest first.

    If a file has vanished, another process has written its rows to a new one, which follows. So a
    row may occur twice; `app.catalogue.latest.take_latest` returns it once.

    Raises:
        SetupError: A file can't be read.
    """
    names = None if columns is None else list(columns)
    done: set[str] = set()
    left = batch_files(out, ref)
    while left:
        done.add(path := left.pop(0))
        try:
            table = read_table(out, path, names)
        except FileNotFoundError:
            left = [each for each in batch_files(out, ref) if each not in done]
        else:
            yield path, table


def read_outcome(out: Storage, path: str, track_id: str) -> Outcome | None:
    """Return the final outcome of a track in a file; None if it has none, or has vanished.

    Raises:
        SetupError: The file can't be read.
    """
    try:
        row = out.read(path, lambda file: _find_row(file, track_id))
    except FileNotFoundError:
        return None
    except (pa.ArrowException, ValueError) as error:
        raise _unreadable(out, path, error) from error
    if row is None:
        return None
    scores, embedding = row["scores"], row.get("embedding")
    return Outcome(
        *(row["status"], row["detail"], row["duration_s"], row["damaged"], row["precision"]),
        None if scores is None else np.array(scores, np.float32),
        None if embedding is None else np.array(embedding, np.float16),
    )


def parquet_rows(path: Path) -> Iterator[tuple[str, Row | str]]:
    """Yield the place and the values of each row of a source.

    Raises:
        ValueError: It is not a Parquet file, or lacks a column.
    """
    with pq.ParquetFile(path) as file:
        check_columns(file.schema_arrow.names)
        columns = [column for column in COLUMNS if column in file.schema_arrow.names]
        number = 0
        for batch in file.iter_batches(SOURCE_ROWS, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row


def _values(row: TrackRow, ref: ModelRef) -> dict[str, object]:
    entry, file, outcome = row.entry, row.file, row.outcome
    return {
        "track_id": file and file.track_id,
        "external_id": as_text(entry.external_id),
        "uri": as_text(entry.uri),
        "artist_id": entry.artist_id and as_text(entry.artist_id),
        **vars(outcome),
        "detail": as_text(outcome.detail),
        "model": ref.name,
        "model_version": ref.version,
        "tagged_at": row.tagged_at,
        "fingerprint": file and file.fingerprint,
    }


def _find_row(file: IO[bytes], track_id: str) -> dict[str, Any] | None:
    """Return a row of a track that has scores or a problem that can't pass."""
    with pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            about = parquet.read_row_group(group, ["track_id", "status"])
            is_final = pc.invert(pc.is_in(about["status"], pa.array(PASSING, pa.string())))
            is_found = pc.and_(pc.equal(about["track_id"], track_id), is_final)
            if (index := pc.index(is_found, True).as_py()) >= 0:
                return dict(parquet.read_row_group(group).slice(index, 1).to_pylist()[0])
    return None


def _unreadable(out: Storage, path: str, error: Exception) -> SetupError:
    return SetupError(
        f"{out.where(path)}: can't be read: {reason(error)}; delete it to infer its tracks again"
    )


def _about(table: pa.Table) -> dict[str, Any]:
    """Return the JSON object in the metadata of a table's schema; empty if there is none."""
    try:
        return dict(json.loads(table.schema.metadata[ABOUT]))
    except (KeyError, TypeError, ValueError):
        return {}


def _is_batch(parts: Sequence[str]) -> bool:
    return len(parts) == len((TRACKS, "model", "version", "file"))
