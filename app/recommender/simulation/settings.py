"""The settings of a simulation, and the kinds of artists and curators in it."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Choice(StrEnum):
    """How an artist chooses subgenres (thesis, section 2.2.2: subjective, and too many or few)."""

    ACCURATE = "accurate"
    SUBJECTIVE = "subjective"
    TOO_MANY = "too_many"
    TOO_FEW = "too_few"


class Statement(StrEnum):
    """What a curator says about subgenres."""

    HONEST = "honest"
    LIKES_ALL = "likes_all"
    CARELESS = "careless"


class Answer(StrEnum):
    """How often a curator accepts tracks."""

    USUAL = "usual"
    SELECTIVE = "selective"
    ACCEPTS_ALL = "accepts_all"


CHOICES = {
    Choice.ACCURATE: 0.45,
    Choice.SUBJECTIVE: 0.25,
    Choice.TOO_MANY: 0.15,
    Choice.TOO_FEW: 0.15,
}
"""The share of artists of each kind."""

STATEMENTS = {Statement.HONEST: 0.7, Statement.LIKES_ALL: 0.15, Statement.CARELESS: 0.15}
"""The share of curators of each kind."""

ANSWERS = {Answer.USUAL: 0.65, Answer.SELECTIVE: 0.3, Answer.ACCEPTS_ALL: 0.05}
"""The share of curators of each kind."""

START, END = np.datetime64("2023-01-01", "us"), np.datetime64("2025-01-01", "us")
"""The time of the first registration, and the end of the simulation."""


@dataclass(frozen=True)
class Settings:
    """The size of a simulated platform.

    Attributes:
        artists: The number of artists.
        curators: The number of curators.
        sparsity: The share of pairs of artist and curator without an interaction.
        two_styles: The share of artists whose tracks are of two styles.
        popularity: The exponent of the curators' popularity, as in Zipf's law; 0 for none.
        lists: The number of artists who get a list of recommendations after all campaigns.
        seed: Of all random draws.
    """

    artists: int = 2_000
    curators: int = 1_000
    sparsity: float = 0.995
    two_styles: float = 0.2
    popularity: float = 0.8
    lists: int = 0
    seed: int = 0

    @property
    def interactions(self) -> int:
        """Return the number of interactions."""
        return round((1 - self.sparsity) * self.artists * self.curators)
