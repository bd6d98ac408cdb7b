"""Computes the tag vectors that a recommender takes, with the models that the service has loaded.

A vector must be made as in the recommender's training: by the same versions of models and
vocabularies, from the mean scores of a track's windows, as catalogues store them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.domain import ModelRef, Scores, Taggram
from app.errors import RequestError, SetupError
from app.recommender.projected import projected_tags, score_projected
from app.recommender.tag_names import check_tags
from app.store.manifest.manifest import Manifest
from app.tagging.catalog import ModelCatalog
from app.tagging.projection import Projection

if TYPE_CHECKING:
    from app.store.manifest.recommender import RecommenderManifest


@dataclass(frozen=True, eq=False)
class TagSource:
    """How taggrams become tag vectors.

    Attributes:
        models: The models whose taggrams are needed; none if the recommender takes no tags.
        projections: The vocabularies of the tags; empty for the raw tags of the only model.
    """

    models: tuple[Manifest, ...]
    projections: tuple[Projection, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags of the vectors."""
        if self.projections:
            return projected_tags(self.projections)
        return self.models[0].tags.names if self.models else ()

    def score(self, tracks: Sequence[Sequence[Taggram]]) -> Scores:
        """Return the tag vectors of tracks, (tracks, tags).

        Args:
            tracks: The taggrams of each track, in the order of `models`; at least one track.
        """
        means = {
            model.ref: np.stack([taggrams[index].scores.mean(axis=0) for taggrams in tracks])
            for index, model in enumerate(self.models)
        }
        if self.projections:
            return score_projected(self.projections, means)
        return means[self.models[0].ref]


def find_tag_source(manifest: "RecommenderManifest", catalog: ModelCatalog) -> TagSource:
    """Return how this service computes the tag vectors of a recommender.

    Args:
        manifest: The manifest of the recommender.
        catalog: The loaded models, and the vocabularies.

    Raises:
        SetupError: A model or a vocabulary is missing, has another version or other tags.
    """
    vectors = manifest.vectors
    if vectors is None:
        return TagSource(())
    models = tuple(_find_model(manifest.ref, ref, catalog) for ref in vectors.models)
    projections = tuple(
        _find_projection(manifest.ref, name, catalog, models) for name in vectors.vocabularies
    )
    source = TagSource(models, projections)
    place = ", ".join([*vectors.vocabularies, *map(str, vectors.models)])
    if manifest.tags is not None:
        check_tags(place, source.tags, manifest.tags, f"train the recommender {manifest.ref} again")
    return source


def _find_model(recommender: ModelRef, needed: str, catalog: ModelCatalog) -> Manifest:
    loaded = {str(model.ref): model for model in catalog.models}
    if needed not in loaded:
        raise SetupError(
            f"the recommender {recommender} takes tags of {needed}, but TAGGRAM_MODELS has "
            f"{', '.join(loaded)}; add {needed} there, or train the recommender with these models"
        )
    return loaded[needed]


def _find_projection(
    recommender: ModelRef, needed: str, catalog: ModelCatalog, models: Sequence[Manifest]
) -> Projection:
    known = {f"{each.name}/{each.version}": each for each in catalog.vocabularies.values()}
    if needed not in known:
        raise SetupError(
            f"the recommender {recommender} takes tags of the vocabulary {needed}, but the service "
            f"has {', '.join(known)}; train the recommender again"
        )
    try:
        return catalog.projection_on(known[needed].name, models)
    except RequestError as error:
        raise SetupError(f"the recommender {recommender}: {error.detail}") from error
