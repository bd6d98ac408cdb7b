"""Reads the tag vectors of tracks from a catalogue."""

from collections.abc import Sequence

import numpy as np

from app.catalogue.scored import find_model, score_matrix, score_tables
from app.catalogue.storage import Storage
from app.catalogue.tables import models_in, stored_tags
from app.domain import ModelRef, Scores
from app.errors import SetupError
from app.recommender.data import TagVectors, VectorSource
from app.recommender.projected import projected_tags, score_projected
from app.tagging.projection import Projection


def choose_model(catalogue: Storage, name: str | None) -> ModelRef:
    """Return the model of a catalogue with a name; without a name, its only one.

    Raises:
        SetupError: It is not a catalogue, has no such model, or has several to choose from.
    """
    if name is not None:
        return find_model(catalogue, name)
    models = models_in(catalogue)
    if len(models) == 1:
        return models[0]
    choice = ", ".join(map(str, models))
    raise SetupError(f"{catalogue.where()}: choose one of its models with --tagger: {choice}")


def read_raw(catalogue: Storage, ref: ModelRef) -> TagVectors:
    """Return the raw tags of a model as tag vectors.

    Raises:
        SetupError: The catalogue has no scores of it, they are of different tags, or a file can't
            be read.
    """
    stored = _Stored(catalogue, ref)
    return _usable(stored.tags, stored.scores, stored, VectorSource((str(ref),)))


def read_projected(catalogue: Storage, projections: Sequence[Projection]) -> TagVectors:
    """Return the tags of vocabularies as tag vectors, from the scores of the models they use.

    Tracks that lack the scores of a model are left out. A tag of several vocabularies is that of
    the first.

    Raises:
        SetupError: The catalogue has no scores of a model, they are of other tags than the model's,
            or a file can't be read.
    """
    models = {model.ref: model for projection in projections for model in projection.models}
    stored = {ref: _Stored(catalogue, ref, each.tags.names) for ref, each in models.items()}
    first, *others = stored.values()
    common = [each for each in first.rows if all(each in other.rows for other in others)]
    for each in stored.values():
        each.keep(common)
    scores = score_projected(projections, {ref: each.scores for ref, each in stored.items()})
    names = [f"{each.vocabulary.name}/{each.vocabulary.version}" for each in projections]
    source = VectorSource(tuple(map(str, models)), tuple(names))
    return _usable(projected_tags(projections), scores, first, source)


class _Stored:
    """The scores of a model for the tracks of a catalogue.

    Attributes:
        tags: The tags of the columns.
        scores: (tracks, tags).
        rows: The row of each track, by the platform's id.
        track_ids: SHA-256 of the file of each row.
    """

    def __init__(
        self, catalogue: Storage, ref: ModelRef, tags: tuple[str, ...] | None = None
    ) -> None:
        """Read them; without `tags`, those of the first file are expected in all others."""
        tables = list(score_tables(catalogue, ref, tags, ("track_id",)))
        ids = [each for table in tables for each in table["external_id"].to_pylist()]
        self.tags = stored_tags(tables[0])
        self.scores: Scores = np.concatenate([score_matrix(table) for table in tables])
        self.rows: dict[str, int] = {external_id: row for row, external_id in enumerate(ids)}
        self.track_ids: list[str] = [
            each for table in tables for each in table["track_id"].to_pylist()
        ]

    def keep(self, external_ids: Sequence[str]) -> None:
        """Keep some of the tracks, in this order."""
        old = [self.rows[each] for each in external_ids]
        self.scores = self.scores[old]
        self.track_ids = [self.track_ids[row] for row in old]
        self.rows = {each: row for row, each in enumerate(external_ids)}


def _usable(
    tags: tuple[str, ...], scores: Scores, stored: _Stored, source: VectorSource
) -> TagVectors:
    """Return tag vectors without those that have no direction: all-zero or not finite."""
    is_usable = np.isfinite(scores).all(axis=1) & (scores != 0).any(axis=1)
    unusable = tuple(each for each, row in stored.rows.items() if not is_usable[row])
    stored.keep([each for each, row in stored.rows.items() if is_usable[row]])
    by_file = {each: row for row, each in enumerate(stored.track_ids)}
    return TagVectors(tags, scores[is_usable], stored.rows, by_file, source, unusable)
