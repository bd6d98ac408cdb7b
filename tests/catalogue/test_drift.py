"""A change of the predictions is found and named; none is found where there is none."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from app.catalogue.compare import raw_side
from app.catalogue.drift import Change, Drift, Window, chance_limit, compare_counts, measure_drift
from app.catalogue.rows import TrackRow
from app.domain import Scores
from app.errors import SetupError
from tests.catalogue.rows import START, TAGS, row, write

WEEK = timedelta(weeks=1)
WEEK_MINUTES = 7 * 24 * 60
OLD, NEW = Window(START, START + WEEK), Window(START + WEEK, START + 2 * WEEK)


def scores(seed: int, tracks: int = 400, shift: Sequence[float] = (0, 0, 0)) -> Scores:
    """Scores whose log odds are normal, (tracks, 3 tags)."""
    logits = np.random.RandomState(seed).normal([-1, -2, -4], 1, (tracks, 3)) + shift
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def rows(values: Scores, week: int) -> list[TrackRow]:
    """Rows of tracks that were tagged in a week."""
    return [
        row(f"{week}-{number}", each, minute=week * WEEK_MINUTES + number)
        for number, each in enumerate(values)
    ]


def drift(out: Path, old: Scores, new: Scores) -> Drift:
    catalogue = write(out, *rows(old, 0), *rows(new, 1))
    side = raw_side(catalogue, TAGS.ref)
    return measure_drift(side, OLD, side, NEW)


def test_samples_of_one_distribution_do_not_drift(tmp_path: Path) -> None:
    measured = drift(tmp_path, scores(1), scores(2))

    assert measured.first_tags.change is Change.NONE
    assert {tag.scores.change for tag in measured.tags} == {Change.NONE}
    assert (measured.old_tracks, measured.new_tracks) == (400, 400)


def test_a_tag_that_scores_higher_is_named_first(tmp_path: Path) -> None:
    measured = drift(tmp_path, scores(1), scores(2, shift=(0, 0, 1.5)))

    first, *others = measured.tags
    assert first.tag == "ambient"
    assert first.scores.change is Change.LARGE
    assert first.new_mean > 2 * first.old_mean
    assert {tag.scores.change for tag in others} == {Change.NONE}


def test_a_change_of_the_highest_tag_is_found(tmp_path: Path) -> None:
    measured = drift(tmp_path, scores(1), scores(2, shift=(0, 2, 0)))

    assert measured.first_tags.change is Change.LARGE
    counts = {tag.tag: (tag.old_first, tag.new_first) for tag in measured.tags}
    assert counts["techno"][1] > 2 * counts["techno"][0]
    assert [sum(each) for each in zip(*counts.values(), strict=True)] == [400, 400]


def test_scores_near_0_are_resolved(tmp_path: Path) -> None:
    rare = scores(1) / 1000
    measured = drift(tmp_path, rare, 2 * scores(2) / 1000)

    assert all(tag.scores.change is Change.LARGE for tag in measured.tags)


def test_the_latest_row_of_a_track_decides_on_its_window(tmp_path: Path) -> None:
    tagged_again = row("0-0", (0.1, 0.9, 0.1), minute=WEEK_MINUTES)
    catalogue = write(tmp_path, *rows(scores(1, tracks=10), 0), tagged_again)
    side = raw_side(catalogue, TAGS.ref)

    measured = measure_drift(side, OLD, side, NEW)

    assert (measured.old_tracks, measured.new_tracks) == (9, 1)


def test_a_window_without_tracks_is_refused(tmp_path: Path) -> None:
    side = raw_side(write(tmp_path, *rows(scores(1, tracks=10), 0)), TAGS.ref)

    with pytest.raises(SetupError, match=r"no track has scores of model/1 from 2026-01-08"):
        measure_drift(side, OLD, side, NEW)


def test_equal_counts_do_not_differ_and_disjoint_ones_differ_most() -> None:
    same = compare_counts(np.array([10, 20, 30]), np.array([10, 20, 30]))
    apart = compare_counts(np.array([1000, 0]), np.array([0, 1000]))

    assert (same.psi, same.distance, same.change) == (0, 0, Change.NONE)
    assert apart.distance == pytest.approx(1)
    assert apart.psi > 10


def test_psi_is_that_of_its_definition() -> None:
    many = compare_counts(np.array([600_000, 400_000]), np.array([300_000, 700_000]))
    assert many.psi == pytest.approx(0.3758, abs=1e-4)


@pytest.mark.parametrize("bins", [2, 10, 60])
def test_chance_hardly_ever_exceeds_its_limit(bins: int) -> None:
    random = np.random.RandomState(bins)
    shares = random.dirichlet(np.full(bins, 5.0))
    draws = [
        [random.multinomial(tracks, shares) for tracks in (5_000, 2_000)] for _ in range(2_000)
    ]
    limit = chance_limit(bins, 5_000, 2_000)

    exceeded = np.mean([compare_counts(*draw).psi > limit for draw in draws])

    expected = chi2.sf(bins - 1 + 3 * np.sqrt(2 * (bins - 1)), bins - 1)
    assert exceeded <= 2 * expected + 0.001


def test_a_difference_that_chance_can_make_is_no_change() -> None:
    few = compare_counts(np.array([3, 1]), np.array([1, 3]))

    assert few.psi > 0.25
    assert few.change is Change.NONE


@pytest.mark.parametrize(
    ("text", "window"), [("2026-01-01..2026-01-08", OLD), ("..", Window(None, None))]
)
def test_windows_are_read(text: str, window: Window) -> None:
    assert Window.parse(text) == window


@pytest.mark.parametrize("text", ["", "2026-01-01", "yesterday..today", "2026-01-08..2026-01-01"])
def test_other_windows_are_refused(text: str) -> None:
    with pytest.raises(SetupError, match="not a valid window"):
        Window.parse(text)
