"""Reads the rows of a model that have scores, once a track."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.catalogue.entries import OK
from app.catalogue.latest import TIMES, latest_times, take_latest
from app.catalogue.storage import Storage
from app.catalogue.tables import batch_files, models_in, read_batches, stored_tags
from app.domain import ModelRef, Scores
from app.errors import SetupError

EMBEDDING = "embedding"
"""The column of embeddings, which some files lack."""


def find_model(out: Storage, name: str) -> ModelRef:
    """Return the model of a catalogue with a name, as `name/version`, or `name` if it has one.

    Raises:
        SetupError: It is not a catalogue, or has no such model, or several versions of it.
    """
    models = models_in(out)
    found = [ref for ref in models if name in {str(ref), ref.name}]
    if len(found) == 1:
        return found[0]
    problem = "it has several versions of" if found else "it has no rows of"
    choice = ", ".join(map(str, found or models))
    raise SetupError(f"{out.where()}: {problem} {name}; choose one of {choice}")


def model_with_embeddings(out: Storage) -> ModelRef:
    """Return the model of a catalogue that has embeddings.

    Raises:
        SetupError: It is not a catalogue, or none or several have embeddings.
    """
    models = [ref for ref in models_in(out) if _has_embeddings(out, ref)]
    if len(models) == 1:
        return models[0]
    if models:
        raise SetupError(f"choose one with --model: {', '.join(map(str, models))}")
    raise SetupError(
        f"{out.where()}: it has no embeddings; run `taggram catalogue tag` with --embeddings"
    )


def scored_rows(
    out: Storage, ref: ModelRef, columns: Iterable[str] | None = None
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the path and the rows with scores of each file of a model; each track once.

    Args:
        out: The catalogue.
        ref: The model.
        columns: The columns to read, in addition to those that say which rows count; by default
            all that a file has.

    Raises:
        SetupError: A file can't be read, or lacks a column.
    """
    names = None if columns is None else dict.fromkeys((*TIMES, "status", *columns))
    latest = latest_times(out, ref)
    for path, table in read_batches(out, ref, names):
        rows = take_latest(table, latest)
        yield path, rows.filter(pc.equal(rows["status"], OK))


def score_tables(
    out: Storage, ref: ModelRef, tags: tuple[str, ...] | None, columns: Iterable[str]
) -> Iterator[pa.Table]:
    """Yield the rows with scores of each file of a model, with their `scores`; each track once.

    Args:
        out: The catalogue.
        ref: The model.
        tags: The tags that the files must have; None for those of the first file.
        columns: See `scored_rows`.

    Raises:
        SetupError: There are no rows, a file has other tags, or it can't be read.
    """
    is_empty = True
    for path, table in scored_rows(out, ref, (*columns, "scores")):
        is_empty = False
        tags = tags or stored_tags(table)
        if stored_tags(table) != tags:
            raise SetupError(f"{out.where(path)}: its tags are not those of {ref}; delete it")
        yield table
    if is_empty:
        raise SetupError(
            f"{out.where()}: it has no scores of {ref}; run `taggram catalogue tag` with this "
            "model, or choose another one"
        )


def score_matrix(table: pa.Table) -> Scores:
    """Return the scores in a table, (tracks, tags)."""
    return matrix(table, "scores").astype(np.float32, copy=False)


def matrix(table: pa.Table, column: str) -> npt.NDArray[np.floating]:
    """Return a column of lists of equal length, (rows, length)."""
    width = table.schema.field(column).type.list_size
    chunks = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in table[column].chunks]
    dtype = table.schema.field(column).type.value_type.to_pandas_dtype()
    return np.concatenate([np.empty(0, dtype), *chunks]).reshape(-1, width)


def _has_embeddings(out: Storage, ref: ModelRef) -> bool:
    return any(EMBEDDING in out.read(path, pq.read_schema).names for path in batch_files(out, ref))
