"""Two recommenders on live users: rates, differences, and splits that are not valid."""

import numpy as np
import pytest

from app.errors import SetupError
from app.feedback.outcomes import ArtistCounts
from app.recommender.live.arms import Arm, find_arm, make_arms
from app.recommender.live.comparison import ACCEPTANCE, MISSED_SHOTS, Comparison, compare

OLD, NEW = "curators/3", "curators/4"


def arm(
    recommender: str,
    artists: int,
    rate: float,
    *,
    sends: int = 5,
    alike: float = 0.0,
    seed: int = 0,
    prefix: str = "",
) -> Arm:
    """Made answers: the correlation within an artist is `alike`; who does not accept declines."""
    random = np.random.RandomState(seed)
    rates = np.full(artists, rate)
    if alike:
        spread = 1 / alike - 1  # of a beta distribution: its intraclass correlation is 1/(a+b+1)
        rates = random.beta(rate * spread, (1 - rate) * spread, artists)
    counts = (
        ArtistCounts(recommender, f"{prefix or recommender}-{n}", 1, sends, yes, sends - yes, 0)
        for n, yes in enumerate(random.binomial(sends, rates).tolist())
    )
    return make_arms(counts)[recommender]


def compared(old_rate: float, new_rate: float, artists: int = 400) -> Comparison:
    return compare(arm(OLD, artists, old_rate), arm(NEW, artists, new_rate, seed=1), 0.5)


def test_arms_are_summed_up() -> None:
    counts = [
        ArtistCounts(OLD, "a1", 2, 5, 2, 1, 1),
        ArtistCounts(OLD, "a2", 1, 3, 1, 1, 0),
        ArtistCounts(NEW, "a3", 1, 4, 4, 0, 0),
    ]
    arms = make_arms(counts)
    comparison = compare(arms[OLD], arms[NEW], 0.5)
    old = comparison.old
    assert (old.artists, old.recommendations, old.unanswered.sum()) == (("a1", "a2"), 3, 1)
    assert comparison.rates[OLD, ACCEPTANCE].value == 3 / 8
    assert comparison.rates[OLD, MISSED_SHOTS].value == 2 / 8
    assert comparison.differences[ACCEPTANCE].value == 1 - 3 / 8
    assert "Too little happened" in comparison.verdict  # one artist's interval has no width


@pytest.mark.parametrize(
    ("new_rate", "words"),
    [
        (0.25, f"{NEW} is better than {OLD}: its acceptance rate is higher."),
        (0.05, f"{NEW} is worse than {OLD}: its acceptance rate is lower."),
        (0.12, "It is not certain"),
    ],
)
def test_the_verdict_says_which_is_better_if_that_is_certain(new_rate: float, words: str) -> None:
    comparison = compared(0.12, new_rate)
    found = comparison.differences[ACCEPTANCE]
    assert words in comparison.verdict
    assert found.low <= new_rate - 0.12 <= found.high


@pytest.mark.parametrize("accepted", [0, 4])
def test_few_acceptances_are_no_certainty(accepted: int) -> None:
    counts = [
        ArtistCounts(name, f"{name}{n}", 1, 2, int(name == NEW and n < accepted), 0, 0)
        for name in (OLD, NEW)
        for n in range(30)
    ]
    arms = make_arms(counts)
    assert "Too little happened" in compare(arms[OLD], arms[NEW], 0.5).verdict


def test_intervals_are_as_wide_as_alike_answers_to_an_artist_make_them() -> None:
    artists, sends, alike = 500, 10, 0.3
    old = arm(OLD, artists, 0.3, sends=sends, alike=alike)
    new = arm(NEW, artists, 0.3, sends=sends, alike=alike, seed=1)
    found = compare(old, new, 0.5).differences[ACCEPTANCE]
    design_effect = 1 + (sends - 1) * alike
    error = np.sqrt(2 * 0.3 * 0.7 * design_effect / (artists * sends))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_split_that_does_not_fit_the_share_is_not_valid() -> None:
    old, new = arm(OLD, 900, 0.12), arm(NEW, 100, 0.3, seed=1)
    assert "better" in compare(old, new, 0.1).verdict
    broken = compare(old, new, 0.2)
    assert broken.split.probability == pytest.approx(2.6e-15, rel=0.05)
    assert broken.verdict.startswith("The split is not valid: the new recommender has 10.0% of")


def test_artists_in_both_arms_make_the_split_not_valid() -> None:
    old, new = arm(OLD, 100, 0.1, prefix="a"), arm(NEW, 100, 0.5, prefix="a")
    comparison = compare(old, new, 0.5)
    assert comparison.split.in_both == 100
    assert "100 artists are in both arms" in comparison.verdict


@pytest.mark.parametrize("alike", [0.02, 0.1, 0.4])
def test_the_correlation_of_answers_to_an_artist_is_estimated(alike: float) -> None:
    found = arm(OLD, 20_000, 0.2, sends=6, alike=alike).correlation
    assert found == pytest.approx(alike, abs=0.015)


@pytest.mark.parametrize("sends", [1, 2])
def test_no_correlation_is_claimed_without_pairs_or_differences(sends: int) -> None:
    assert arm(OLD, 10, 0.0, sends=sends).correlation is None


def test_what_can_not_be_compared_is_refused() -> None:
    old, new = arm(OLD, 10, 0.1), arm(NEW, 10, 0.1)
    with pytest.raises(SetupError, match="can't be compared with itself"):
        compare(old, old, 0.5)
    for share in (0, 1, float("nan")):
        with pytest.raises(SetupError, match=f"the share {share} is not valid"):
            compare(old, new, share)
    with pytest.raises(SetupError, match=r"curators/9: .* of curators/3 \(10 artists\)"):
        find_arm({OLD: old}, "curators/9")
    with pytest.raises(SetupError, match="there is some on those of none"):
        find_arm({}, OLD)
