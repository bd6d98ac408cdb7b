"""Writes rows of catalogues without a run, and reads all rows, also those that do not count."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.catalogue.entries import OK, Entry
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow
from app.catalogue.storage import Storage, open_storage
from app.catalogue.tables import write_batch
from app.domain import ModelRef

TAGS = ScoredTags(ModelRef("model", "1"), ("rock", "techno", "ambient"))
START = datetime(2026, 1, 1, tzinfo=UTC)


def sha256(content: str) -> str:
    """The id of a file with this content."""
    return hashlib.sha256(content.encode()).hexdigest()


def row(
    external_id: str,
    scores: Sequence[float] = (0.5, 0.2, 0.1),
    *,
    content: str = "",
    uri: str = "",
    minute: int = 0,
    status: str = OK,
) -> TrackRow:
    """A row; by default each id has a file of its own, and `minute` says which row is later."""
    track_id = sha256(content or external_id)
    means = np.array(scores, np.float32) if status == OK else None
    return TrackRow(
        Entry(external_id, uri or f"/music/{external_id}"),
        File("1-1", track_id),
        Outcome(status, duration_s=6.0, scores=means),
        START + timedelta(minutes=minute),
    )


def write(out: Path, *rows: TrackRow, tags: ScoredTags = TAGS) -> Storage:
    """Add a file with these rows; return the catalogue."""
    catalogue = open_storage(out)
    write_batch(catalogue, tags, rows)
    return catalogue


def files_of(out: Path, ref: ModelRef = TAGS.ref) -> list[Path]:
    """List the files of a model."""
    return sorted((out / "tracks" / ref.name / ref.version).glob("*.parquet"))


def all_rows(out: Path, ref: ModelRef = TAGS.ref) -> list[dict[str, object]]:
    """Read every row, as pandas or DuckDB would."""
    tables = [pq.read_table(path) for path in files_of(out, ref)]
    return pa.concat_tables(tables, promote_options="default").to_pylist() if tables else []


def ids_of(out: Path) -> list[object]:
    """List the external ids of every row."""
    return sorted(str(each["external_id"]) for each in all_rows(out))
