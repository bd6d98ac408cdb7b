"""`taggram recommend compare` and `sample-size`, as the operator of a comparison runs them."""

import asyncio
from pathlib import Path

import pytest

from app.domain import RecommendationFeedback
from tests.cli.conftest import Refused, Taggram
from tests.support.feedback import keep, outcomes


def answered(recommender: str, artist: str, accepted: int, sent: int) -> RecommendationFeedback:
    became = [(f"c{n}", "shared" if n < accepted else "declined") for n in range(sent)]
    return outcomes(*became, recommender=recommender, artist=artist)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An old recommender with a fifth accepted, and a new one with two fifths."""
    path = tmp_path / "feedback.sqlite"
    given = [answered("curators/3", f"old{n}", 2 * (n % 2), 5) for n in range(40)]
    given += [answered("curators/4", f"new{n}", 1 + n % 3, 5) for n in range(42)]
    asyncio.run(keep(path, *given))
    return path


def test_two_recommenders_are_compared(kept: Path, taggram: Taggram) -> None:
    result = taggram("recommend", "compare", "curators/3", "curators/4", "--file", kept)
    assert result.exit_code == 0, result.output
    lines = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    for row in (
        ["artists", "40", "42"],
        ["recommendations", "40", "42"],
        ["sent", "200", "210"],
        ["accepted", "40", "84"],
        ["unanswered", "0", "0"],
        ["acceptance", "rate", "0.200", "0.400", "+0.200"],
        ["missed", "shots", "0.800", "0.600", "-0.200"],
    ):
        assert row in lines
    assert "split: 51.2% of artists have curators/4, intended 50.0% (p = 0.83)" in result.stdout
    verdict = "curators/4 is better than curators/3: its acceptance rate is higher."
    assert result.stdout.splitlines()[-1] == verdict


def test_the_file_of_the_service_and_the_share_are_used(kept: Path, taggram: Taggram) -> None:
    command = ("recommend", "compare", "curators/3", "curators/4", "--share", "0.1")
    result = taggram(*command, TAGGRAM_FEEDBACK_FILE=str(kept))
    assert result.exit_code == 0, result.output
    assert "The split is not valid: the new recommender has 51.2%" in result.stdout


def test_recommendations_before_the_comparison_do_not_count(kept: Path, refused: Refused) -> None:
    command = ("recommend", "compare", "curators/3", "curators/4", "--file", kept)
    assert "there is some on those of none" in refused(*command, "--since", "2099-01-01")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("curators/3", "curators/5"), "curators/3 (40 artists), curators/4 (42 artists)"),
        (("curators/3", "curators/3"), "can't be compared with itself"),
        (("curators/3", "curators/4", "--share", "2"), "the share 2.0 is not valid"),
    ],
)
def test_what_can_not_be_compared_is_refused(
    arguments: tuple[str, ...], why: str, kept: Path, refused: Refused
) -> None:
    assert why in refused("recommend", "compare", *arguments, "--file", kept)


def test_a_comparison_is_planned(taggram: Taggram, refused: Refused) -> None:
    command = ("recommend", "sample-size", "--rate", "0.12", "--difference", "0.02")
    planned = taggram(*command)
    assert planned.stdout.startswith("4,438 artists in each arm, 8,876 in all")
    sends = taggram(*command, "--sends-per-artist", "5", "--correlation", "0.1")
    assert sends.stdout.startswith("1,243 artists in each arm")
    assert "the power 80 is not valid" in refused(*command, "--power", "80")
