"""Derives the suggestions of a vocabulary from the stored scores, without audio.

A stored score is the mean over a track's windows, so that a suggestion is derived from one window
that stands for the whole track. The service scores each window and takes the mean afterwards; the
column `pooling` distinguishes the two.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.catalogue.scored import score_matrix, score_tables
from app.catalogue.storage import Storage
from app.catalogue.tables import ABOUT
from app.domain import Scores
from app.store.manifest.manifest import Manifest
from app.tagging.projection import Projection

SUGGESTIONS = "suggestions"
FILE = "suggestions.parquet"

POOLING = "mean_of_raw_scores"

TOP_K = 10
"""The most suggestions of a track."""

IDS = ("track_id", "external_id", "artist_id")

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


def derive(out: Storage, projection: Projection) -> int:
    """Write the suggestions of a vocabulary for all tracks that have the scores it needs.

    They replace those of the same version of the vocabulary. The models are in the metadata of the
    file's schema. The scores of all models but the first are in memory.

    Args:
        out: The catalogue, which the caller has locked.
        projection: The vocabulary, and the models.

    Returns:
        The number of tracks with suggestions.

    Raises:
        SetupError: The catalogue lacks the scores of a model, or a file can't be read or written.
    """
    first, *others = projection.models
    joined = [_ScoresByTrack(out, model) for model in others]
    vocabulary = projection.vocabulary
    about = {"table": SUGGESTIONS, "models": [str(model.ref) for model in projection.models]}
    schema = pa.schema(SCHEMA, metadata={ABOUT: json.dumps(about)})
    path = f"{SUGGESTIONS}/{vocabulary.name}/{vocabulary.version}/{FILE}"
    count = 0
    with out.write(path) as file, pq.ParquetWriter(file, schema) as writer:
        for table in score_tables(out, first.ref, first.tags.names, IDS):
            whole = table.filter(pa.array([_is_in(id_, joined) for id_ in _ids(table)], pa.bool_()))
            means = [score_matrix(whole), *(each.of(_ids(whole)) for each in joined)]
            writer.write_table(_suggestions(projection, whole, means, schema))
            count += whole.num_rows
    return count


class _ScoresByTrack:
    """The scores of a model for all tracks of a catalogue."""

    def __init__(self, out: Storage, model: Manifest) -> None:
        tables = list(score_tables(out, model.ref, model.tags.names, IDS))
        ids = chain.from_iterable(map(_ids, tables))
        self.rows = {track_id: row for row, track_id in enumerate(ids)}
        self._scores = np.concatenate([score_matrix(table) for table in tables])

    def of(self, track_ids: Iterable[str]) -> Scores:
        """Return the scores of tracks, (tracks, tags)."""
        scores: Scores = self._scores[[self.rows[track_id] for track_id in track_ids]]
        return scores


def _suggestions(
    projection: Projection, tracks: pa.Table, means: Sequence[Scores], schema: pa.Schema
) -> pa.Table:
    """Return the suggestions of tracks, best first.

    Args:
        projection: The vocabulary, and the models.
        tracks: The tracks, with their ids.
        means: The mean scores of each model, (tracks, raw tags).
        schema: The schema of the result.
    """
    scores = projection.score_tracks(means)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP_K]
    kept = np.isfinite(np.take_along_axis(scores, best, axis=1))
    track, rank = np.nonzero(kept)
    row = best[kept]
    names = pa.array([each.name for each in projection.rows], pa.string())
    levels = pa.array([each.level.value for each in projection.rows], pa.string())
    repeated = {
        "vocabulary": projection.vocabulary.name,
        "vocabulary_version": projection.vocabulary.version,
        "pooling": POOLING,
    }
    columns = {
        **{name: tracks[name].take(pa.array(track)) for name in IDS},
        **{name: pa.array([text] * len(row), pa.string()) for name, text in repeated.items()},
        "rank": pa.array(rank + 1, pa.int32()),
        "tag": names.take(pa.array(row)),
        "level": levels.take(pa.array(row)),
        "score": pa.array(scores[track, row], pa.float32()),
    }
    return pa.table(columns, schema)


def _ids(table: pa.Table) -> list[str]:
    ids: list[str] = table["track_id"].to_pylist()
    return ids


def _is_in(track_id: str, joined: Iterable[_ScoresByTrack]) -> bool:
    return all(track_id in each.rows for each in joined)
