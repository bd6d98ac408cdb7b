"""Cuts, crops and windows stay within the track; short ones are never left with nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.audio.cropping import Crops, crop_bounds, window_at, window_starts
from app.samples import ShortTrack

RATE = 16_000


@given(
    st.integers(1, 60 * RATE),
    st.integers(1, 15 * RATE),
    st.floats(0, 30),
    st.floats(0, 30),
    st.none() | st.floats(0.1, 60),
    st.integers(0, 99),
)
def test_a_crop_is_within_the_track_and_holds_a_window_if_the_track_does(
    length: int, window: int, start: float, end: float, crop: float | None, seed: int
) -> None:
    crops = Crops(start_cut=start, end_cut=end, random_crop=crop)
    first, last = crop_bounds(length, RATE, window, crops, np.random.default_rng(seed))
    assert 0 <= first < last <= length
    assert last - first >= min(window, length)


def test_a_long_track_loses_its_ends_and_gives_thirty_seconds() -> None:
    rng = np.random.default_rng(0)
    found = {crop_bounds(180 * RATE, RATE, 3 * RATE, Crops(), rng) for _ in range(50)}
    assert len(found) > 40
    assert all(last - first == 30 * RATE for first, last in found)
    assert min(first for first, _ in found) >= 5 * RATE
    assert max(last for _, last in found) <= 175 * RATE


def test_ten_seconds_have_three_half_overlapping_windows_of_five() -> None:
    assert window_starts(10 * RATE, 5 * RATE, 5 * RATE // 2).tolist() == [0, 40_000, 80_000]


@given(st.integers(1, 1000), st.integers(1, 300), st.integers(1, 300))
def test_as_many_windows_as_fit_are_cut(length: int, window: int, hop: int) -> None:
    starts = window_starts(length, window, hop)
    assert starts[0] == 0
    if length >= window:
        assert starts[-1] + window <= length < starts[-1] + hop + window


def test_a_window_holds_the_samples_of_the_track() -> None:
    track = np.array([-32_768, 0, 16_384, 32_767], np.int16)
    assert window_at(track, 1, 2) == pytest.approx([0, 0.5])
    assert window_at(track, 0, 1) == pytest.approx([-1])


def test_a_short_track_is_padded_with_zeros_if_the_recipe_asks_for_that() -> None:
    padded = window_at(np.array([1, 2, 3], np.int16), 0, 5, ShortTrack.PAD)
    assert (padded * 32_768).tolist() == [1, 2, 3, 0, 0]


def test_a_short_track_is_repeated_like_in_the_service() -> None:
    assert (window_at(np.array([1, 2, 3], np.int16), 0, 7) * 32_768).tolist() == [
        1,
        2,
        3,
        1,
        2,
        3,
        1,
    ]
