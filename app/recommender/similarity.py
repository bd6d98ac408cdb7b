"""Cosine similarities of rows of matrices (thesis, equation 2.3)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from app.recommender.data import Floats

Matrix = npt.NDArray[np.floating[Any]]
"""(rows, features)."""


def unit_rows(rows: Matrix) -> Floats:
    """Return rows scaled to length 1, float64; all-zero rows stay so."""
    rows = rows.astype(float)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    units: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return units


def cosine_rows(left: Matrix, right: Matrix) -> Floats:
    """Return the cosine of each row with each, (left rows, right rows); 0 for all-zero rows."""
    cosines: Floats = unit_rows(left) @ unit_rows(right).T
    return cosines


def cosine_pairs(left: Matrix, right: Matrix) -> Floats:
    """Return the cosine of rows in pairs, (rows,); 0 for all-zero rows."""
    cosines: Floats = np.einsum("if,if->i", unit_rows(left), unit_rows(right))
    return cosines
