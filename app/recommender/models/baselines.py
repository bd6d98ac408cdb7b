"""Models without parameters to learn: popularity, and cosines of subgenres and of tag vectors."""

from functools import cached_property

import numpy as np

from app.recommender.data import Floats
from app.recommender.models.base import Tastes, Training
from app.recommender.models.content import ArtistContent, Which, match_styles, match_subgenres
from app.recommender.models.content_model import ContentModel, Parameters, check_shapes
from app.recommender.similarity import Matrix


class Popularity(ContentModel):
    """The curators who have accepted most tracks, the same for all artists."""

    name = "popularity"
    predicts_scores = False
    has_tags = False

    def score_content(self, artists: ArtistContent, curators: Which) -> Matrix:
        """See `ContentModel`."""
        return np.tile(self._scores[curators], (len(artists), 1))

    def parameters(self) -> Parameters:
        """See `ContentModel`."""
        return {"scores": self._scores}

    def _fit(self, training: Training, tastes: Tastes | None) -> None:  # noqa: ARG002
        """Count accepted tracks; curators with equal numbers are ordered by all their answers."""
        made, count = training.platform.interactions, len(training.platform.curators.ids)
        accepted = np.bincount(made.curators[made.accepted], minlength=count)
        answered = np.bincount(made.curators, minlength=count)
        self._scores: Floats = accepted + answered / (answered.max(initial=0) + 1)

    def _restore(self, parameters: Parameters) -> None:
        check_shapes(parameters, {"scores": (len(self.profiles),)})
        self._scores = parameters["scores"]


class _Untrained(ContentModel):
    """A model of the profiles alone."""

    predicts_scores = False

    def parameters(self) -> Parameters:
        """See `ContentModel`."""
        return {}

    def _fit(self, training: Training, tastes: Tastes | None) -> None:
        pass

    def _restore(self, parameters: Parameters) -> None:
        check_shapes(parameters, {})


class SubgenreCosine(_Untrained):
    """The cosine of chosen subgenres with liked ones, minus that with disliked ones."""

    name = "subgenre-cosine"
    has_tags = False

    def score_content(self, artists: ArtistContent, curators: Which) -> Matrix:
        """See `ContentModel`."""
        liked = match_subgenres(artists.chosen, self.profiles.liked_columns, curators)
        return liked - match_subgenres(artists.chosen, self.profiles.disliked_columns, curators)


class TagCosine(_Untrained):
    """The cosine of an artist's tag vector with accepted tracks, minus that with declined ones.

    The style that fits best counts. Artists without scored tracks get 0 for all.
    """

    name = "tag-cosine"
    has_tags = True

    def score_content(self, artists: ArtistContent, curators: Which) -> Matrix:
        """See `ContentModel`."""
        return match_styles(artists, self._preferences[curators])

    @cached_property
    def _preferences(self) -> Matrix:
        """Return what each curator accepts and does not decline, (curators, tags)."""
        return self.profiles.accepted_units - self.profiles.declined_units
