"""The comparison of two arms: rates with intervals, their differences, and whether to trust them.

Whole artists are drawn for the intervals, as answers to the same artist are alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from app.errors import SetupError
from app.recommender.data import Floats
from app.recommender.live.arms import Arm
from app.recommender.metrics.quotient import SEED, Interval, Quotient, draw_weights, interval

ACCEPTANCE, MISSED_SHOTS = "acceptance rate", "missed shots"
METRICS = (ACCEPTANCE, MISSED_SHOTS)
"""Of the recommended curators who were sent a track: the share that accepted, or declined."""

MISMATCH = 0.001
"""Below this probability the sizes of the arms do not fit the split (Kohavi, Tang and Xu 2020,
Trustworthy Online Controlled Experiments, chapter 21)."""

MIN_ARTISTS = 30
"""Artists in each arm; a bootstrap over fewer is too narrow."""

MIN_EXPECTED = 5
"""What must be expected of each outcome in each arm if both have the same rate (Cochran 1954, Some
methods for strengthening the common chi-square tests); otherwise too little happened."""


@dataclass(frozen=True)
class SplitCheck:
    """Whether artists were assigned to the arms as intended.

    Attributes:
        share: The share of artists that the new recommender should get.
        found: The share that it got.
        probability: The probability of a share at least as far from the intended one, by a
            chi-square test.
        in_both: The number of artists in both arms.
    """

    share: float
    found: float
    probability: float
    in_both: int

    @property
    def faults(self) -> list[str]:
        """Return what is wrong with the split."""
        faults = []
        if self.probability < MISMATCH:
            faults.append(
                f"the new recommender has {self.found:.1%} of the artists in place of "
                f"{self.share:.1%}, by chance with a probability of {self.probability:.1g}"
            )
        if self.in_both:
            faults.append(f"{self.in_both:,} artists are in both arms")
        return faults


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two arms, compared.

    Attributes:
        old: The arm of the old recommender.
        new: The arm of the new one.
        rates: The rate of each arm, by recommender and metric.
        differences: The new rate minus the old one, by metric.
        split: Whether artists were assigned as intended.
    """

    old: Arm
    new: Arm
    rates: Mapping[tuple[str, str], Interval]
    differences: Mapping[str, Interval]
    split: SplitCheck

    @property
    def verdict(self) -> str:
        """Return in a sentence or two which recommender is better, if that is certain."""
        if faults := self.split.faults:
            return (
                f"The split is not valid: {', and '.join(faults)}. The difference may come from "
                "that; find the cause, and begin again."
            )
        if not self._is_enough:
            return (
                f"Too little happened for a verdict: each arm needs {MIN_ARTISTS} artists, and "
                f"enough sends that {MIN_EXPECTED} are accepted and {MIN_EXPECTED} not, at a "
                "common rate."
            )
        found = self.differences[ACCEPTANCE]
        if not found.excludes_zero or found.value is None:
            return (
                f"It is not certain that {self.new.recommender} is better or worse than "
                f"{self.old.recommender}: the interval of the difference contains zero."
            )
        words = ("better", "higher") if found.value > 0 else ("worse", "lower")
        return (
            f"{self.new.recommender} is {words[0]} than {self.old.recommender}: its acceptance "
            f"rate is {words[1]}."
        )

    @property
    def _is_enough(self) -> bool:
        arms = (self.old, self.new)
        sends = np.array([arm.sent.sum() for arm in arms])
        rate = sum(arm.accepted.sum() for arm in arms) / sends.sum()
        expected = sends.min() * min(rate, 1 - rate)
        return min(len(arm.artists) for arm in arms) >= MIN_ARTISTS and expected >= MIN_EXPECTED


def compare(old: Arm, new: Arm, share: float) -> Comparison:
    """Return the comparison of two arms.

    Args:
        old: The arm of the old recommender.
        new: The arm of the new one.
        share: The share of artists that the new recommender should get.

    Raises:
        SetupError: The share is not between 0 and 1, or both arms are the same.
    """
    if not 0 < share < 1:
        raise SetupError(f"the share {share} is not valid; expected a number between 0 and 1")
    if old.recommender == new.recommender:
        raise SetupError(f"{old.recommender} can't be compared with itself; name two recommenders")
    draws = {
        arm.recommender: _draw(arm, seed) for arm, seed in ((old, SEED), (new, SEED + 1))
    }  # with the same seed, the draws of both arms would be alike
    rates = {
        (name, metric): interval(values)
        for name, metrics in draws.items()
        for metric, values in metrics.items()
    }
    differences = {
        metric: interval(draws[new.recommender][metric] - draws[old.recommender][metric])
        for metric in METRICS
    }
    return Comparison(old, new, rates, differences, check_split(old, new, share))


def check_split(old: Arm, new: Arm, share: float) -> SplitCheck:
    """Return whether the sizes of the arms fit the share, and how many artists are in both.

    Args:
        old: The arm of the old recommender.
        new: The arm of the new one.
        share: The share of artists that the new recommender should get.
    """
    sizes = np.array([len(old.artists), len(new.artists)])
    expected = sizes.sum() * np.array([1 - share, share])
    probability = stats.chisquare(sizes, expected).pvalue
    in_both = len(set(old.artists) & set(new.artists))
    return SplitCheck(share, float(sizes[1] / sizes.sum()), float(probability), in_both)


def _draw(arm: Arm, seed: int) -> dict[str, Floats]:
    """Return the rates in each bootstrap draw, (1 + draws,)."""
    weights = draw_weights(len(arm.artists), seed=seed)
    parts = {ACCEPTANCE: arm.accepted, MISSED_SHOTS: arm.declined}
    return {metric: Quotient(parts[metric], arm.sent).in_draws(weights) for metric in METRICS}
