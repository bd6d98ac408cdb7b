"""The Parquet files of a catalogue: `tracks/<model>/<version>/<time>-<random>.parquet`.

A file holds one batch and never changes, except that rows are removed once newer ones replace them.
Each model and version has a folder, as their tags differ in number.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.catalogue.entries import COLUMNS, Row, check_columns
from app.catalogue.rows import Outcome, ScoredTags, TrackRow, as_text
from app.domain import ModelRef
from app.errors import SetupError
from app.files import atomic_file, write_error
from app.paths import reason

TRACKS = "tracks"
ABOUT = b"taggram"
"""The key of the metadata of a file's schema, a JSON object."""

INDEX = ("external_id", "uri", "fingerprint", "track_id", "status", "tagged_at")
"""The columns that a later run reads to continue."""

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
    return pa.schema(fields, metadata={ABOUT: json.dumps(about)})


def stored_tags(table: pa.Table) -> tuple[str, ...]:
    """Return the names of the tags in a table's metadata; empty if it has none."""
    try:
        return tuple(json.loads(table.schema.metadata[ABOUT])["tags"])
    except (KeyError, TypeError, ValueError):
        return ()


def model_folder(out: Path, ref: ModelRef) -> Path:
    """Return the folder of a model's rows."""
    return out / TRACKS / ref.name / ref.version


def write_batch(out: Path, tags: ScoredTags, rows: Sequence[TrackRow]) -> Path:
    """Write rows of a model to a new file, and return its path.

    Raises:
        SetupError: It can't be written; no partial file is left.
    """
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.parquet"
    path = model_folder(out, tags.ref) / name
    table = pa.Table.from_pylist([_values(row, tags.ref) for row in rows], track_schema(tags))
    write_table(path, table)
    return path


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table atomically.

    Raises:
        SetupError: It can't be written; no partial file is left.
    """
    try:
        with atomic_file(path) as file:
            pq.write_table(table, file, compression="zstd")
    except OSError as error:
        raise write_error(path, error) from error


def batch_files(out: Path, ref: ModelRef) -> list[Path]:
    """Return the files with a model's rows, oldest first."""
    return sorted(model_folder(out, ref).glob("*.parquet"))


def models_in(out: Path) -> list[ModelRef]:
    """Return the models that have rows in a catalogue.

    Raises:
        SetupError: It is not a catalogue.
    """
    if not (out / TRACKS).is_dir():
        raise SetupError(
            f"{out}: it has no folder {TRACKS}; create it with `taggram catalogue tag`"
        )
    return [
        ModelRef(version.parent.name, version.name)
        for version in sorted((out / TRACKS).glob("*/*"))
        if version.is_dir()
    ]


def read_table(path: Path, columns: Iterable[str] | None = None) -> pa.Table:
    """Return a file of a catalogue, or some of its columns.

    Raises:
        SetupError: It can't be read, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read(None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        raise SetupError(
            f"{path}: can't be read: {reason(error)}; delete it to infer its tracks again"
        ) from error
    if missing := set(columns or ()) - set(table.column_names):
        raise SetupError(f"{path}: it has no column {min(missing)}; it is not part of a catalogue")
    return table


def read_index(out: Path, ref: ModelRef) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the file and the columns `INDEX` of each row of a model, oldest file first.

    Raises:
        SetupError: A file can't be read.
    """
    for path in batch_files(out, ref):
        for row in read_table(path, INDEX).to_pylist():
            yield path, row


def read_outcome(path: Path, track_id: str) -> Outcome | None:
    """Return the outcome of a track in a file.

    Raises:
        SetupError: The file can't be read.
    """
    table = read_table(path)
    for row in table.filter(pc.equal(table["track_id"], track_id)).to_pylist():
        scores = None if row["scores"] is None else np.array(row["scores"], np.float32)
        return Outcome(
            *(row["status"], row["detail"], row["duration_s"], row["damaged"]),
            *(row["precision"], scores),
        )
    return None


def remove_superseded(out: Path, ref: ModelRef) -> int:
    """Remove the rows of a model that a later row of the same track replaces; return their number.

    A kill at any moment leaves at most rows that the next call removes.

    Raises:
        SetupError: A file can't be read or written.
    """
    latest = latest_times(out, ref)
    rows = sum(pq.read_metadata(path).num_rows for path in batch_files(out, ref))
    if rows == len(latest):
        return 0
    return sum(_remove_older(path, latest) for path in batch_files(out, ref))


def latest_times(out: Path, ref: ModelRef) -> dict[str, datetime]:
    """Return the time of the latest row of each track of a model, by external id.

    Raises:
        SetupError: A file can't be read.
    """
    latest: dict[str, datetime] = {}
    for path in batch_files(out, ref):
        table = read_table(path, ("external_id", "tagged_at")).to_pydict()
        for external_id, time in zip(table["external_id"], table["tagged_at"], strict=True):
            latest[external_id] = max(latest.get(external_id, time), time)
    return latest


def _remove_older(path: Path, latest: Mapping[str, datetime]) -> int:
    table = read_table(path)
    ids, times = table["external_id"].to_pylist(), table["tagged_at"].to_pylist()
    kept = [time == latest[each] for each, time in zip(ids, times, strict=True)]
    if all(kept):
        return 0
    if any(kept):
        write_table(path, table.filter(pa.array(kept)))
    else:
        path.unlink()
    return kept.count(False)


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
