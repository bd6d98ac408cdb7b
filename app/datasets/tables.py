"""Read and write tracks and splits as Parquet; files are written atomically."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from app.datasets.tracks import Merged, Split, SplitTrack, Subset, Track
from app.errors import SetupError
from app.files import atomic_file, write_error
from app.paths import check_is_file, reason

BATCH_ROWS = 256

LARGEST_TABLE = 2**31
"""In bytes, unpacked; a million tracks take some 400 MB."""

ABOUT = b"taggram"
"""The key of the file's metadata that describes the table."""

_TRACK = (
    pa.field("track_id", pa.string(), nullable=False),
    pa.field("dataset", pa.string(), nullable=False),
    pa.field("path", pa.string(), nullable=False),
    pa.field("artist", pa.string(), nullable=False),
    pa.field("duration_s", pa.float64()),
    pa.field("tags", pa.list_(pa.string()), nullable=False),
    pa.field("licence", pa.string(), nullable=False),
    pa.field("sample_rate", pa.int32()),
)


class _About(BaseModel):
    """Metadata of a merged table."""

    task: str
    tags: tuple[str, ...]


class _AboutSplit(_About):
    """Metadata of a split table."""

    name: str


AnyAbout = TypeVar("AnyAbout", bound=_About)

_PLACED = (
    *_TRACK,
    pa.field("part", pa.string(), nullable=False),
    pa.field("copies", pa.int32(), nullable=False),
)


def write_merged(path: Path, merged: Merged) -> None:
    """Write a merged table.

    Raises:
        SetupError: It can't be written; no partial file is left.
    """
    about = {"table": "merged", "task": merged.task, "tags": merged.tags}
    _write(path, _TRACK, [_row(track) for track in merged.tracks], about)


def read_merged(path: Path) -> Merged:
    """Return the tracks of a merged table.

    Raises:
        SetupError: It can't be read, or is not such a table.
    """
    rows, about = _read(path, "merged", _TRACK, "taggram data merge")
    checked = _checked(path, _About, about)
    return Merged(checked.task, checked.tags, tuple(map(_track, rows)))


def write_split(path: Path, split: Split) -> None:
    """Write a split.

    Raises:
        SetupError: It can't be written; no partial file is left.
    """
    about = {"table": "split", "task": split.task, "tags": split.tags, "name": split.name}
    rows = [
        {**_row(each.track), "part": each.part.value, "copies": each.repeats}
        for each in split.placed
    ]
    _write(path, _PLACED, rows, about)


def read_split(path: Path) -> Split:
    """Return the split in a table.

    Raises:
        SetupError: It can't be read, or is not such a table.
    """
    rows, about = _read(path, "split", _PLACED, "taggram data split")
    checked = _checked(path, _AboutSplit, about)
    if wrong := {row["part"] for row in rows} - set(Subset):
        raise SetupError(
            f"{path}: {min(wrong)!r} is not a part; expected one of {', '.join(Subset)}"
        )
    placed = tuple(SplitTrack(_track(row), Subset(row["part"]), row["copies"]) for row in rows)
    return Split(checked.task, checked.tags, checked.name, placed)


def _row(track: Track) -> dict[str, object]:
    row: dict[str, object] = {**vars(track), "track_id": track.id}
    del row["id"]
    return row


def _track(row: Mapping[str, Any]) -> Track:
    known = {field.name: row[field.name] for field in _TRACK if field.name != "track_id"}
    return Track(**{**known, "id": row["track_id"], "tags": tuple(row["tags"])})


def _write(
    path: Path,
    fields: Sequence[pa.Field],
    rows: Iterable[Mapping[str, object]],
    about: Mapping[str, object],
) -> None:
    schema = pa.schema(fields, metadata={ABOUT: json.dumps(about)})
    try:
        with atomic_file(path) as file:
            pq.write_table(pa.Table.from_pylist(list(rows), schema), file)
    except OSError as error:
        raise write_error(path, error) from error


def _checked(path: Path, about: type[AnyAbout], values: object) -> AnyAbout:
    try:
        return about.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SetupError(f"{path}: {first['loc'][0]}: {first['msg']}") from error


def _read(
    path: Path, wanted: str, fields: Sequence[pa.Field], maker: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        check_is_file(path)
        table = _bounded_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SetupError(f"{path}: can't be read: {reason(error)}") from error
    try:
        about = json.loads((table.schema.metadata or {}).get(ABOUT, b"{}"))
        if about["table"] == wanted and _fits(table, fields):
            return table.to_pylist(), about
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise SetupError(f"{path}: not a table that `{maker}` wrote")


def _bounded_table(path: Path) -> pa.Table:
    """Read a table, batch by batch: a small file may unpack to more than the memory holds."""
    batches, size = [], 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            batches.append(batch)
            size += batch.nbytes
            if size > LARGEST_TABLE:
                raise SetupError(f"{path}: it unpacks to more than {LARGEST_TABLE:,} bytes")
        return pa.Table.from_batches(batches, file.schema_arrow)


def _fits(table: pa.Table, fields: Sequence[pa.Field]) -> bool:
    """Return whether a table has the expected columns, and no nulls in the required ones."""
    return all(
        table.schema.field(field.name).type == field.type
        and (field.nullable or not table.column(field.name).null_count)
        for field in fields
    )
