"""The space in which tag vectors are compared.

Scores of different tags differ in their level and spread: some tags are high for all music. A
cosine of raw scores is therefore close to 1 for any two tracks. Tags are standardised first, so
that a direction says what distinguishes a track from the others.
"""

from dataclasses import dataclass

import numpy as np

from app.domain import Scores
from app.recommender.data import Floats
from app.recommender.similarity import unit_rows


@dataclass(frozen=True, eq=False)
class TagSpace:
    """The level and the spread of each tag.

    Attributes:
        mean: (tags,).
        spread: The standard deviations, (tags,); 1 for tags that are constant.
    """

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, scores: Scores) -> "TagSpace":
        """Return the space of a population of tag vectors, (rows, tags), at least one."""
        spread = scores.std(axis=0, dtype=float)
        mean = scores.mean(axis=0, dtype=float)
        return cls(mean, np.where(spread > np.finfo(np.float32).eps, spread, 1.0))

    def directions(self, scores: Scores) -> Floats:
        """Return unit vectors of what distinguishes rows from the population, (..., tags).

        A row without a tag is all-zero.
        """
        standard = (scores - self.mean) / self.spread
        is_empty = ~(scores != 0).any(axis=-1, keepdims=True)
        return unit_rows(np.where(is_empty, 0.0, standard))
