"""How many artists a comparison of two acceptance rates needs."""

import math

from scipy import stats

from app.errors import SetupError


def count_artists(
    rate: float,
    difference: float,
    *,
    power: float,
    significance: float,
    sends_per_artist: float = 1.0,
    correlation: float = 1.0,
) -> int:
    """Return the number of artists in each of two arms of the same size.

    The number of independent sends is that of a two-sided test of two proportions without
    continuity correction (Fleiss, Levin and Paik 2003, Statistical Methods for Rates and
    Proportions, chapter 4). Sends of the same artist are not independent: their number is
    multiplied by the design effect 1 + (m - 1) r (Kish 1965, Survey Sampling, chapter 5).

    Args:
        rate: The acceptance rate of the old recommender.
        difference: The smallest difference to find, which may be negative.
        power: The probability of finding it if it exists.
        significance: The probability of finding one if none exists.
        sends_per_artist: m, the mean number of recommended curators that an artist sends to.
        correlation: r, the intraclass correlation of answers to the same artist; with 1, further
            sends of an artist say nothing new.

    Raises:
        SetupError: An argument is outside its range.
    """
    other = rate + difference
    for name, value in (
        ("the acceptance rate", rate),
        ("the rate with the difference", other),
        ("the power", power),
        ("the significance", significance),
    ):
        if not 0 < value < 1:
            raise SetupError(f"{name} {value:g} is not valid; expected a number between 0 and 1")
    if difference == 0:
        raise SetupError("a difference of 0 can't be found; expected one above or below 0")
    if not 1 <= sends_per_artist < math.inf:
        raise SetupError(f"{sends_per_artist:g} sends an artist are not valid; expected 1 or more")
    if not 0 <= correlation <= 1:
        raise SetupError(f"the correlation {correlation:g} is not valid; expected 0 to 1")
    mean = (rate + other) / 2
    by_chance = stats.norm.isf(significance / 2) * math.sqrt(2 * mean * (1 - mean))
    by_power = stats.norm.isf(1 - power) * math.sqrt(rate * (1 - rate) + other * (1 - other))
    sends = ((by_chance + by_power) / difference) ** 2
    design_effect = 1 + (sends_per_artist - 1) * correlation
    return math.ceil(sends * design_effect / sends_per_artist)
