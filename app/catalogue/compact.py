"""Joins the small files of a catalogue into larger ones, and removes rows that do not count.

A new file is complete before the files that it replaces are removed. So a kill loses no row. It may
leave rows twice: of these `app.catalogue.latest` takes one, and the next call removes the others.
Other processes may append files meanwhile; this call leaves those as they are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from app.catalogue.entries import OK, UPLOAD
from app.catalogue.latest import TIMES, take_latest, times_of, update_latest
from app.catalogue.storage import Storage
from app.catalogue.tables import (
    ABOUT,
    model_folder,
    models_in,
    new_file_name,
    read_batches,
    read_table,
    write_table,
)
from app.domain import ModelRef

TARGET_ROWS = 65_536
"""Files with fewer rows are joined; this many are in memory at a time, twice at most."""

COLUMNS = (*TIMES, "uri", "track_id", "status")

Kept = Mapping[str, datetime]
"""The rows of a file that stay: their times, by external id."""


@dataclass(frozen=True)
class Compacted:
    """What became of the files of a model.

    Attributes:
        ref: The model.
        joined: Number of files that were replaced.
        written: Number of new files.
        removed: Number of rows that did not count.
    """

    ref: ModelRef
    joined: int
    written: int
    removed: int


def compact(out: Storage) -> list[Compacted]:
    """Compact the rows of all models.

    Args:
        out: The catalogue, which the caller has locked.

    Raises:
        SetupError: It is not a catalogue, or a file can't be read, written or removed.
    """
    return [compact_model(out, ref) for ref in models_in(out)]


def compact_model(out: Storage, ref: ModelRef) -> Compacted:
    """Compact the rows of one model; see `compact`."""
    paths, latest = _find_latest(out, ref)
    joined = written = removed = 0
    for group, superseded in _group(out, paths, latest):
        if len(group) > 1 or superseded:
            written += _rewrite(out, ref, group)
            joined += len(group)
            removed += superseded
    return Compacted(ref, joined, written, removed)


def _find_latest(out: Storage, ref: ModelRef) -> tuple[Sequence[str], dict[str, datetime]]:
    """Return the files of a model, oldest first, and the time of each row that counts.

    An upload does not count if a track of the platform has the same file.
    """
    latest: dict[str, datetime] = {}
    uploads: set[str] = set()
    paths = []
    for path, table in read_batches(out, ref, COLUMNS):
        update_latest(latest, table)
        ids, uris = table["external_id"].to_pylist(), table["uri"].to_pylist()
        uploads |= {id_ for id_, uri in zip(ids, uris, strict=True) if uri.startswith(UPLOAD)}
        paths.append(path)
    for path in paths if uploads else ():
        for track_id in uploads.intersection(_scored_tracks(out, path, latest)):
            latest.pop(track_id, None)  # the only id of an upload is that of its file
    return paths, latest


def _scored_tracks(out: Storage, path: str, latest: Kept) -> Iterator[str]:
    """Yield the ids of the files of the platform's tracks that have scores."""
    try:
        rows = take_latest(read_table(out, path, COLUMNS), dict(latest))
    except FileNotFoundError:
        return
    for row in rows.to_pylist():
        if row["status"] == OK and not row["uri"].startswith(UPLOAD):
            yield row["track_id"]


def _group(
    out: Storage, paths: Sequence[str], latest: dict[str, datetime]
) -> Iterator[tuple[dict[str, Kept], int]]:
    """Yield groups of files to join, with the number of their rows that do not count.

    The newest files come first: of equal rows the one in the newest file stays.
    """
    groups: dict[bytes, dict[str, Kept]] = {}
    superseded: Counter[bytes] = Counter()
    for path in reversed(paths):
        try:
            table = read_table(out, path, TIMES)
        except FileNotFoundError:
            continue
        kept = dict(times_of(take_latest(table, latest)))
        if len(kept) == table.num_rows >= TARGET_ROWS:
            continue
        kind = table.schema.metadata[ABOUT]  # some files have embeddings
        group = groups.setdefault(kind, {})
        group[path] = kept
        superseded[kind] += table.num_rows - len(kept)
        if sum(map(len, group.values())) >= TARGET_ROWS:
            yield groups.pop(kind), superseded.pop(kind)
    for kind, group in groups.items():
        yield group, superseded[kind]


def _rewrite(out: Storage, ref: ModelRef, group: Mapping[str, Kept]) -> int:
    """Write the rows of a group to a new file, if there are any, and remove the old files.

    Returns:
        The number of new files.
    """
    tables = [table for path, kept in group.items() for table in _read_kept(out, path, kept)]
    if tables:
        write_table(out, f"{model_folder(ref)}/{new_file_name()}", pa.concat_tables(tables))
    for path in group:
        out.remove(path)
    return int(bool(tables))


def _read_kept(out: Storage, path: str, kept: Kept) -> Iterator[pa.Table]:
    """Yield the rows of a file that stay; nothing if there are none, or the file has vanished."""
    if kept:
        try:
            yield take_latest(read_table(out, path), dict(kept))
        except FileNotFoundError:
            return
