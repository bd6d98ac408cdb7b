"""The part of the interactions that a new ranking can be judged by."""

from dataclasses import dataclass

import numpy as np

from app.errors import SetupError
from app.recommender.data import UNKNOWN, Floats, Indices, Interactions


@dataclass(frozen=True, eq=False)
class RecommendationLog:
    """Interactions of curators that were recommended and contacted.

    Attributes:
        interactions: Those with a position and a propensity, (n,).
        lengths: The length of the list that each is from, estimated, (n,).
        left_out: The number of interactions without a position or a propensity.
    """

    interactions: Interactions
    lengths: Floats
    left_out: int

    @property
    def is_certain(self) -> bool:
        """Return whether chance never decided what was recommended."""
        return bool((self.interactions.propensities == 1).all())


def read_log(interactions: Interactions) -> RecommendationLog:
    """Return the interactions that have a position and a propensity.

    Raises:
        SetupError: None has both.
    """
    has_both = (interactions.positions != UNKNOWN) & ~np.isnan(interactions.propensities)
    if not has_both.any():
        raise SetupError(
            f"none of {len(interactions):,} interactions to evaluate on has both a position and a "
            "propensity, and a new ranking can't be judged without them; log the place of each "
            "recommended curator in the list and its probability of being in the list, in the "
            "columns position and propensity of the table interactions"
        )
    logged = interactions.take(has_both)
    lengths = list_lengths(logged.artists, logged.positions)
    return RecommendationLog(logged, lengths, int((~has_both).sum()))


def list_lengths(artists: Indices, positions: Indices) -> Floats:
    """Return the length of the list that each interaction is from, estimated, (n,).

    All lists of an artist count as equally long. If the contacted positions of an artist are any
    ones of its list, m the highest and d their number, then m (1 + 1 / d) - 1 is unbiased, with the
    least variance (Goodman 1952, Serial number analysis). It is exact if all were contacted.

    Args:
        artists: The artist of each interaction, (n,).
        positions: Positions from 1, (n,).
    """
    pairs = np.unique(np.stack([artists, positions]), axis=1)
    count = artists.max() + 1
    distinct = np.bincount(pairs[0], minlength=count)
    highest = np.zeros(count)
    np.maximum.at(highest, artists, positions)
    lengths: Floats = (highest * (1 + 1 / np.maximum(distinct, 1)) - 1)[artists]
    return lengths
