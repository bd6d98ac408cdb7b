"""Models without parameters to learn: popularity, and cosines of subgenres and of tag vectors."""

import numpy as np

from app.errors import SetupError
from app.recommender.data import Floats, Indices
from app.recommender.models.base import Tastes, Training
from app.recommender.similarity import cosine_rows, unit_rows


class Popularity:
    """The curators who have accepted most tracks, the same for all artists."""

    name = "popularity"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Count accepted tracks; curators with equal numbers are ordered by all their answers."""
        made, count = training.platform.interactions, len(training.platform.curators.ids)
        accepted = np.bincount(made.curators[made.accepted], minlength=count)
        answered = np.bincount(made.curators, minlength=count)
        self._scores: Floats = accepted + answered / (answered.max(initial=0) + 1)

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        return np.tile(self._scores[curators], (len(artists), 1))


class SubgenreCosine:
    """The cosine of chosen subgenres with liked ones, minus that with disliked ones."""

    name = "subgenre-cosine"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Store what both sides state; interactions are not used."""
        self._chosen = training.platform.artists.subgenres
        self._liked = training.platform.curators.liked
        self._disliked = training.platform.curators.disliked

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        chosen = self._chosen[artists]
        liked = cosine_rows(chosen, self._liked[curators])
        return liked - cosine_rows(chosen, self._disliked[curators])


class TagCosine:
    """The cosine of an artist's tag vector with accepted tracks, minus that with declined ones.

    The style that fits best counts. Artists without scored tracks get 0 for all.
    """

    name = "tag-cosine"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Store the directions.

        Raises:
            SetupError: There are no tag vectors.
        """
        self._tastes: Tastes = needed_tastes(training, self.name)

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        tastes = self._tastes
        accepted = unit_rows(tastes.accepted[curators])
        declined = unit_rows(tastes.declined[curators])
        return best_of_styles(tastes, artists, (accepted - declined).T)


def needed_tastes(training: Training, name: str) -> Tastes:
    """Return the tag vectors of training data.

    Raises:
        SetupError: It has none.
    """
    if training.tastes is None:
        raise SetupError(f"the model {name} needs tag vectors; give a catalogue")
    return training.tastes


def best_of_styles(tastes: Tastes, artists: Indices, weights: Floats) -> Floats:
    """Return the highest product of an artist's styles with each column, (artists, columns).

    Args:
        tastes: The tag vectors.
        artists: Indices of artists; those without a vector get 0.
        weights: (tags, columns).
    """
    owners = tastes.artists.owners
    starts, ends = np.searchsorted(owners, artists), np.searchsorted(owners, artists, "right")
    best = np.zeros((len(artists), weights.shape[1]))
    for style in range(int((ends - starts).max(initial=0))):
        has = starts + style < ends
        products = tastes.artist_directions[(starts + style)[has]] @ weights
        best[has] = products if style == 0 else np.maximum(best[has], products)
    return best
