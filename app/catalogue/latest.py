"""Which row of a track counts, if it has several: the latest one of each model.

A run adds a row when a track is tagged again, and removes the older one at its end.
"""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa

from app.catalogue.storage import Storage
from app.catalogue.tables import batch_files, read_batches, read_table, write_table
from app.domain import ModelRef

TIMES = ("external_id", "tagged_at")
"""The columns that say which row of a track is the latest."""


def remove_superseded(out: Storage, ref: ModelRef) -> int:
    """Remove the rows of a model that a later row of the same track replaces; return their number.

    A kill at any moment leaves at most rows that the next call removes. Of equal rows the one in
    the newest file stays, as another process may have copied it there to remove the others.

    Raises:
        SetupError: A file can't be read or written.
    """
    latest: dict[str, datetime] = {}
    rows = 0
    for _, table in read_batches(out, ref, TIMES):
        _update_latest(latest, table)
        rows += table.num_rows
    if rows == len(latest):
        return 0
    return sum(_remove_older(out, path, latest) for path in reversed(batch_files(out, ref)))


def latest_times(out: Storage, ref: ModelRef) -> dict[str, datetime]:
    """Return the time of the latest row of each track of a model, by external id.

    Raises:
        SetupError: A file can't be read.
    """
    latest: dict[str, datetime] = {}
    for _, table in read_batches(out, ref, TIMES):
        _update_latest(latest, table)
    return latest


def take_latest(table: pa.Table, latest: dict[str, datetime]) -> pa.Table:
    """Return the rows that are the latest of their track, and remove their tracks from `latest`.

    So each track occurs once in the results of several calls.

    Args:
        table: Rows, with the columns `TIMES`.
        latest: See `latest_times`.
    """
    kept = []
    for external_id, time in _times(table):
        kept.append(is_latest := latest.get(external_id) == time)
        if is_latest:
            del latest[external_id]
    return table.filter(pa.array(kept, pa.bool_()))


def _times(table: pa.Table) -> Iterator[tuple[str, datetime]]:
    columns = (table[name].to_pylist() for name in TIMES)
    return zip(*columns, strict=True)


def _update_latest(latest: dict[str, datetime], table: pa.Table) -> None:
    for external_id, time in _times(table):
        latest[external_id] = max(latest.get(external_id, time), time)


def _remove_older(out: Storage, path: str, latest: dict[str, datetime]) -> int:
    try:
        table = read_table(out, path, TIMES)
        kept = take_latest(table, latest)
        if 0 < kept.num_rows < table.num_rows:
            write_table(out, path, take_latest(read_table(out, path), dict(_times(kept))))
    except FileNotFoundError:
        return 0
    if not kept.num_rows:
        out.remove(path)
    return int(table.num_rows - kept.num_rows)
