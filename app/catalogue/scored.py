"""The stored scores of a model: of each track the latest row, if it has scores."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.catalogue.entries import OK
from app.catalogue.tables import batch_files, latest_times, read_table, stored_tags
from app.domain import ModelRef, Scores
from app.errors import SetupError


def scored_tables(out: Path, ref: ModelRef, tags: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows of a model with scores, file by file; of a track only the latest row.

    Args:
        out: The catalogue's folder.
        ref: The model.
        tags: Its tags, in the order of its scores.

    Raises:
        SetupError: A file can't be read, has other tags, or there is none.
    """
    paths = batch_files(out, ref)
    if not paths:
        raise SetupError(
            f"{out}: it has no scores of {ref}; run `taggram catalogue tag` with this model"
        )
    latest = latest_times(out, ref)
    for path in paths:
        table = read_table(path)
        if stored_tags(table) != tuple(tags):
            raise SetupError(f"{path}: its tags are not those of {ref}; delete it")
        ids, times = table["external_id"].to_pylist(), table["tagged_at"].to_pylist()
        is_latest = [time == latest[each] for each, time in zip(ids, times, strict=True)]
        yield table.filter(pc.and_(pc.equal(table["status"], OK), pa.array(is_latest)))


def tags_in(out: Path, ref: ModelRef) -> tuple[str, ...]:
    """Return the tags of a model's stored scores, in their order.

    Raises:
        SetupError: It has no scores, or a file can't be read.
    """
    paths = batch_files(out, ref)
    if not paths:
        raise SetupError(
            f"{out}: it has no scores of {ref}; run `taggram catalogue tag` with this model"
        )
    return stored_tags(read_table(paths[-1], ()))


def score_matrix(table: pa.Table) -> Scores:
    """Return the scores in a table, (tracks, tags)."""
    width = table.schema.field("scores").type.list_size
    values = [chunk.flatten().to_numpy() for chunk in table["scores"].chunks]
    return np.concatenate([np.empty(0, np.float32), *values]).reshape(-1, width)
