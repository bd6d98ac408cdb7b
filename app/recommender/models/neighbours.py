"""Neighbours in the matrix of interactions (thesis, figure 2.7)."""

import numpy as np
from scipy import sparse

from app.recommender.data import Floats, Indices
from app.recommender.models.base import Training
from app.recommender.models.baselines import Popularity

NEIGHBOURS = 50
"""The most similar curators or artists that count."""

TIE = 1e-6
"""The weight of popularity, which orders curators without common neighbours."""


class CuratorNeighbours:
    """Item-item: curators who accepted the artists that the artist's curators accepted."""

    name = "item-item"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Find the most similar curators of each curator."""
        self._popularity = fitted_popularity(training)
        self._matrix = training.matrix
        self._similar = nearest_rows(self._matrix.T.tocsr(), NEIGHBOURS)

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        matched: Floats = (self._matrix[artists] @ self._similar.T[:, curators]).toarray()
        matched += TIE * self._popularity.score(artists, curators)
        return matched


class ArtistNeighbours:
    """User-user: curators who accepted artists like this one."""

    name = "user-user"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Find the most similar artists of each artist."""
        self._popularity = fitted_popularity(training)
        self._matrix = training.matrix
        self._similar = nearest_rows(self._matrix, NEIGHBOURS)

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        matched: Floats = (self._similar[artists] @ self._matrix[:, curators]).toarray()
        matched += TIE * self._popularity.score(artists, curators)
        return matched


def fitted_popularity(training: Training) -> Popularity:
    """Return the popularity of curators, scaled by nothing: it only orders equal scores."""
    popularity = Popularity()
    popularity.fit(training)
    return popularity


def nearest_rows(matrix: sparse.csr_array, count: int) -> sparse.csr_array:
    """Return the cosines of each row with its most similar other rows, (rows, rows).

    Args:
        matrix: (rows, features).
        count: The most similar rows to keep.
    """
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    scale = sparse.diags_array(1 / np.maximum(lengths, np.finfo(float).tiny))
    units = (scale @ matrix).tocsr()
    cosines = (units @ units.T).tocsr()
    cosines.setdiag(0)
    cosines.eliminate_zeros()
    return keep_largest(cosines, count)


def keep_largest(matrix: sparse.csr_array, count: int) -> sparse.csr_array:
    """Return a matrix with the largest values of each row, the others are 0."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((-matrix.data, rows))
    ranks = np.arange(len(order)) - matrix.indptr[rows[order]]
    kept = order[ranks < count]
    return sparse.csr_array(
        (matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape
    )
