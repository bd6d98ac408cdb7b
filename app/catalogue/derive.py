"""Derives the suggestions of a vocabulary from the stored scores, without audio.

A stored score is the mean over a track's windows, so that a suggestion is derived from one window
that stands for the whole track. The service scores each window and takes the mean afterwards; the
column `pooling` distinguishes the two.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.catalogue.entries import OK
from app.catalogue.tables import ABOUT, batch_files, read_table, stored_tags
from app.domain import PEAK_PAIRS, ModelRef, Precision, Samples, Taggram, TaggramKey
from app.errors import SetupError
from app.files import atomic_file, write_error
from app.store.manifest.manifest import Manifest
from app.tagging.pooling import Pooling
from app.tagging.projection import Projection
from app.tagging.suggest import suggest

SUGGESTIONS = "suggestions"
FILE = "suggestions.parquet"

POOLING = "mean_of_raw_scores"

TOP_K = 10
"""The most suggestions of a track."""

TRACKS_AT_A_TIME = 5_000

COLUMNS = ("track_id", "external_id", "artist_id", "duration_s", "status", "tagged_at", "scores")

SCHEMA = (
    pa.field("track_id", pa.string(), nullable=False),
    pa.field("external_id", pa.string(), nullable=False),
    pa.field("artist_id", pa.string()),
    pa.field("vocabulary", pa.string(), nullable=False),
    pa.field("vocabulary_version", pa.string(), nullable=False),
    pa.field("pooling", pa.string(), nullable=False),
    pa.field("rank", pa.int32(), nullable=False),
    pa.field("tag", pa.string(), nullable=False),
    pa.field("level", pa.string(), nullable=False),
    pa.field("score", pa.float32(), nullable=False),
)

NO_PEAKS = np.zeros((PEAK_PAIRS, 2), np.int8)

Row = dict[str, Any]


def derive(out: Path, projection: Projection) -> int:
    """Write the suggestions of a vocabulary for all tracks that have the scores it needs.

    They replace those of the same version of the vocabulary. The models are in the metadata of the
    file's schema.

    Args:
        out: The catalogue's folder, which the caller has locked.
        projection: The vocabulary, and the models.

    Returns:
        The number of tracks with suggestions.

    Raises:
        SetupError: The catalogue lacks the scores of a model, or a file can't be read or written.
    """
    first, *others = projection.models
    scores = {model.ref: _scores_by_track(out, model) for model in others}
    vocabulary = projection.vocabulary
    about = {"table": SUGGESTIONS, "models": [str(model.ref) for model in projection.models]}
    schema = pa.schema(SCHEMA, metadata={ABOUT: json.dumps(about)})
    path = out / SUGGESTIONS / vocabulary.name / vocabulary.version / FILE
    count = 0
    try:
        with (
            atomic_file(path) as file,
            pq.ParquetWriter(file, schema, compression="zstd") as writer,
        ):
            for rows in _chunks(_latest(out, first)):
                whole = [
                    row for row in rows if all(row["track_id"] in by for by in scores.values())
                ]
                found = [each for row in whole for each in _suggest(projection, row, scores)]
                writer.write_table(pa.Table.from_pylist(found, schema))
                count += len(whole)
    except OSError as error:
        raise write_error(path, error) from error
    return count


def _suggest(
    projection: Projection, row: Row, others: Mapping[ModelRef, Mapping[str, Samples]]
) -> Iterator[Row]:
    """Yield a row for each suggestion of a track, best first."""
    first, *rest = projection.models
    means = [row["scores"], *(others[model.ref][row["track_id"]] for model in rest)]
    taggrams = [
        _taggram(row, model, mean) for model, mean in zip((first, *rest), means, strict=True)
    ]
    best = suggest(projection, taggrams, pooling=Pooling.MEAN, top_k=TOP_K, threshold=0.0)
    for rank, suggestion in enumerate(best, 1):
        yield {
            **{name: row[name] for name in ("track_id", "external_id", "artist_id")},
            "vocabulary": projection.vocabulary.name,
            "vocabulary_version": projection.vocabulary.version,
            "pooling": POOLING,
            "rank": rank,
            "tag": suggestion.tag,
            "level": suggestion.level.value,
            "score": suggestion.score,
        }


def _taggram(row: Row, model: Manifest, mean: Samples) -> Taggram:
    """Return a taggram of one window that stands for the whole track."""
    duration_s = row["duration_s"]
    key = TaggramKey(row["track_id"], model.ref, Precision.FLOAT32)
    scores = mean[np.newaxis]
    return Taggram(key, duration_s, duration_s, duration_s, scores, NO_PEAKS)


def _scores_by_track(out: Path, model: Manifest) -> dict[str, Samples]:
    return {row["track_id"]: row["scores"] for row in _latest(out, model)}


def _latest(out: Path, model: Manifest) -> Iterator[Row]:
    """Yield the rows of a model with scores; of two rows of a track, the later one.

    Raises:
        SetupError: A file can't be read, has other tags than the model, or there is none.
    """
    paths = batch_files(out, model.ref)
    if not paths:
        raise SetupError(
            f"{out}: it has no scores of {model.ref}; run `taggram catalogue tag` with this model"
        )
    times: dict[str, Any] = {}
    for path in paths:
        index = read_table(path, ("external_id", "tagged_at")).to_pydict()
        for external_id, tagged_at in zip(index["external_id"], index["tagged_at"], strict=True):
            times[external_id] = max(times.get(external_id, tagged_at), tagged_at)
    for path in paths:
        table = read_table(path)
        if stored_tags(table) != model.tags.names:
            raise SetupError(f"{path}: its tags are not those of {model.ref}; delete it")
        for row in table.select(COLUMNS).to_pylist():
            if row["status"] == OK and row["tagged_at"] == times[row["external_id"]]:
                yield {**row, "scores": np.array(row["scores"], np.float32)}


def _chunks(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, TRACKS_AT_A_TIME)):
        yield chunk
