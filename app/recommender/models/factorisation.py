"""Matrix factorisation by alternating least squares (Hu, Koren and Volinsky 2008), from implicit.

A curator who accepted is a preference of 1, one who declined a preference of 0, both with a higher
confidence than the pairs without an interaction.
"""

import numpy as np
from scipy import sparse

from app.errors import SetupError
from app.recommender.data import AGREED, Floats, Indices
from app.recommender.models.base import Training
from app.recommender.models.neighbours import TIE, fitted_popularity

FACTORS = 32
REGULARISATION = 1.0
CONFIDENCE = 20.0
"""The confidence of an interaction; that of a pair without one is 1."""

ITERATIONS, SEED = 15, 0


class Factorisation:
    """The product of an artist's and a curator's factors.

    Artists and curators without interactions have no factors: popularity orders what is equal.
    """

    name = "als"
    predicts_scores = False

    def fit(self, training: Training) -> None:
        """Fit the factors.

        Raises:
            SetupError: The library is not installed.
        """
        try:
            from implicit.cpu.als import AlternatingLeastSquares
            from threadpoolctl import threadpool_limits
        except ImportError as error:
            raise SetupError(
                f"the model als needs {error.name}; install the extra `recommender`"
            ) from error
        self._popularity = fitted_popularity(training)
        # With one thread, the order of sums is the same each time.
        with threadpool_limits(1, "blas"):
            als = AlternatingLeastSquares(
                factors=FACTORS,
                regularization=REGULARISATION,
                iterations=ITERATIONS,
                random_state=SEED,
                num_threads=1,
            )
            als.fit(_confidences(training), show_progress=False)
        self._artists = np.asarray(als.user_factors, float)
        self._curators = np.asarray(als.item_factors, float)

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        products: Floats = self._artists[artists] @ self._curators[curators].T
        products += TIE * self._popularity.score(artists, curators)
        return products


def _confidences(training: Training) -> sparse.csr_matrix:
    """Return the confidences, (artists, curators).

    The library takes a negative value for a preference of 0 with this confidence.
    """
    scores = training.matrix
    values = np.where(scores.data >= AGREED, CONFIDENCE, -CONFIDENCE).astype(np.float32)
    return sparse.csr_matrix((values, scores.indices, scores.indptr), shape=scores.shape)
