"""Errors of predicted scores: RMSE and MAE (thesis, equations 2.7 and 2.8).

The thesis calls the second one MAPE; it is a mean absolute error, and not in percent.
"""

import numpy as np

from app.recommender.data import Floats, Indices
from app.recommender.metrics.quotient import Quotient


def rating_metrics(
    predicted: Floats, scores: Floats, artists: Indices, count: int
) -> dict[str, Quotient]:
    """Return the errors of predictions.

    Args:
        predicted: Predicted scores of interactions, (n,).
        scores: What happened, (n,).
        artists: The artist of each, (n,).
        count: The number of artists.
    """
    errors = predicted - scores
    counts = np.bincount(artists, minlength=count).astype(float)
    squares: Floats = np.bincount(artists, errors**2, count).astype(float)
    distances: Floats = np.bincount(artists, np.abs(errors), count).astype(float)
    return {
        "rmse": Quotient(squares, counts, is_root=True),
        "mae": Quotient(distances, counts),
    }
