"""What happened between artists and curators, to look up for each recommendation."""

from functools import cached_property

import numpy as np

from app.recommender.data import AGREED, Floats, Indices, Interactions


class Outcomes:
    """The interactions to evaluate on, one for each pair; of several the highest score.

    Attributes:
        artists: The artist of each pair, ascending, (pairs,).
        curators: The curator of each pair, (pairs,).
        scores: The scores, (pairs,).
    """

    def __init__(self, interactions: Interactions, artists: int, curators: int) -> None:
        """Sort the interactions by pair.

        Args:
            interactions: What happened.
            artists: The number of artists of the platform.
            curators: The number of curators of the platform.
        """
        self._count = artists, curators
        keys = interactions.artists * curators + interactions.curators
        order = np.lexsort((-interactions.scores, keys))
        self._keys, first = np.unique(keys[order], return_index=True)
        self._made = interactions.take(order[first])
        self.artists, self.curators = self._made.artists, self._made.curators
        self.scores = self._made.scores

    @cached_property
    def relevant(self) -> Indices:
        """Return the number of curators who accepted, for each artist, (artists,)."""
        counts: Indices = np.bincount(self.artists[self.scores >= AGREED], minlength=self._count[0])
        return counts

    def look_up(self, artists: Indices, curators: Indices) -> Indices:
        """Return the row of pairs in the attributes, -1 for pairs without an interaction.

        Args:
            artists: (rows,).
            curators: (rows, k).
        """
        keys = artists[:, np.newaxis] * self._count[1] + curators
        if not len(self._keys):
            return np.full(keys.shape, -1, np.int64)
        rows = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found: Indices = np.where(self._keys[rows] == keys, rows, -1)
        return found

    def values(self, name: str, rows: Indices) -> Floats:
        """Return an attribute of interactions, NaN for rows of -1.

        Args:
            name: An attribute of `app.recommender.data.Interactions`.
            rows: From `look_up`.
        """
        column = getattr(self._made, name).astype(float)
        padded = np.append(column, np.nan)
        values: Floats = padded[rows]
        return values

    def has(self, name: str) -> bool:
        """Return whether an attribute of interactions is logged for any."""
        return bool((~np.isnan(getattr(self._made, name))).any())

    def ideal_gains(self, artists: Indices, k: int) -> Floats:
        """Return the highest scores of each artist, highest first, 0 if there are fewer, (rows, k).

        Args:
            artists: (rows,).
            k: The number of scores.
        """
        order = np.lexsort((-self.scores, self.artists))
        starts = np.searchsorted(self.artists, np.arange(self._count[0] + 1))
        ranks = np.arange(len(order)) - starts[self.artists[order]]
        gains = np.zeros((self._count[0], k))
        is_top = ranks < k
        gains[self.artists[order][is_top], ranks[is_top]] = self.scores[order][is_top]
        of_artists: Floats = gains[artists]
        return of_artists
