"""Matrix factorisation of what curators accepted, for implicit feedback."""

import numpy as np
from scipy import sparse

from app.recommender.data import Floats, Indices
from app.recommender.models.base import Training
from app.recommender.models.neighbours import TIE, fitted_popularity

FACTORS = 32
ROUNDS = 15
CONFIDENCE = 20.0
"""The weight of a shared track, against 1 for a pair without an interaction (alpha)."""

REGULARISATION = 0.05
SEED = 20260101


class Factorisation:
    """Alternating least squares (Hu, Koren and Volinsky 2008), with the library implicit.

    For an artist without interactions, curators are ordered by their popularity.
    """

    name = "als"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Factorise the matrix of scores; declined tracks count as no interaction."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        self._popularity = fitted_popularity(training)
        matrix = sparse.csr_matrix(training.matrix, dtype=np.float32)  # implicit wants this class
        matrix.eliminate_zeros()
        # With more threads, the order of sums differs from run to run.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=FACTORS,
                regularization=REGULARISATION,
                alpha=CONFIDENCE,
                iterations=ROUNDS,
                random_state=SEED,
                num_threads=1,
            )
            model.fit(matrix, show_progress=False)
        self._artists = np.asarray(model.user_factors, float)
        self._curators = np.asarray(model.item_factors, float)
        is_cold = np.diff(matrix.indptr) == 0
        self._artists[is_cold] = 0.0

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        scores: Floats = self._artists[artists] @ self._curators[curators].T
        scores += TIE * self._popularity.score(artists, curators)
        return scores
