"""Scores the tags of vocabularies from the mean scores of models, as tag vectors."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.domain import Level, ModelRef, Scores
from app.tagging.projection import Projection


def projected_tags(projections: Sequence[Projection]) -> tuple[str, ...]:
    """Return the tags of several vocabularies, each once."""
    return tuple(dict.fromkeys(name for projection in projections for name in projection.tags))


def score_projected(projections: Sequence[Projection], means: Mapping[ModelRef, Scores]) -> Scores:
    """Return tag vectors, (tracks, tags), in the order of `projected_tags`.

    A tag of several vocabularies is that of the first.

    Args:
        projections: The vocabularies.
        means: By model, the mean raw scores of each track, (tracks, raw tags).
    """
    columns: dict[str, Scores] = {}
    for projection in projections:
        scores = projection.score_tracks([means[model.ref] for model in projection.models])
        for row, column in zip(projection.rows, scores.T, strict=True):
            if row.level is Level.TAG:
                columns.setdefault(row.name, column)
    vectors: Scores = np.stack(list(columns.values()), axis=1)
    return vectors
