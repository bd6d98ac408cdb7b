"""What is drawn of a waveform: its outline, in equal stretches, at any length and level."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.audio.limits import MAX_RESAMPLED_MAGNITUDE
from app.audio.peaks import peaks_of
from app.domain import PEAK_FULL_SCALE, PEAK_PAIRS, Samples

LENGTHS = st.integers(1, 5_000) | st.sampled_from([1, 999, 1_000, 1_001, 1_999, 2_000])


def sounds(loudest: float) -> st.SearchStrategy[Samples]:
    level = st.floats(-loudest, loudest, width=32)
    return LENGTHS.flatmap(lambda length: arrays(np.float32, length, elements=level))


def stretches(samples: np.ndarray) -> list[np.ndarray]:
    """The samples of each pair by the plain definition, at least one."""
    edges = [number * len(samples) // PEAK_PAIRS for number in range(PEAK_PAIRS + 1)]
    return [samples[first : max(last, first + 1)] for first, last in pairwise(edges)]


def test_peaks_of_stereo_are_those_of_its_mono_mix():
    left, right = np.random.RandomState(1).uniform(-1, 1, (2, 5_000)).astype(np.float32)

    peaks = peaks_of(np.stack([left, right], axis=1))

    np.testing.assert_array_equal(peaks, peaks_of((left + right) / 2))


@given(samples=sounds(1.0))
def test_peaks_are_the_exact_minimum_and_maximum_of_their_samples(
    samples: Samples,
) -> None:
    peaks = peaks_of(samples)

    assert (peaks.shape, peaks.dtype) == ((PEAK_PAIRS, 2), np.int8)
    scaled = PEAK_FULL_SCALE * samples.astype(np.float64)  # without any rounding
    for (least, greatest), stretch in zip(peaks.tolist(), stretches(scaled), strict=True):
        assert least <= stretch.min() < least + 1
        assert greatest - 1 < stretch.max() <= greatest


@given(samples=sounds(MAX_RESAMPLED_MAGNITUDE))
def test_peaks_are_clipped_to_full_scale(samples: Samples) -> None:
    np.testing.assert_array_equal(peaks_of(samples), peaks_of(samples.clip(-1, 1)))


@given(samples=sounds(1.0))
def test_an_inverted_track_has_inverted_peaks(samples: Samples) -> None:
    np.testing.assert_array_equal(peaks_of(-samples), -peaks_of(samples)[:, ::-1])


@pytest.mark.parametrize("length", [1, 2, 1_000, 16_000])
@pytest.mark.parametrize(
    ("level", "pair"), [(0, [0, 0]), (1, [127, 127]), (-1, [-127, -127]), (0.5, [63, 64])]
)
def test_a_constant_signal_has_constant_peaks(level: float, pair: list[int], length: int) -> None:
    peaks = peaks_of(np.full(length, level, np.float32))

    assert np.unique(peaks, axis=0).tolist() == [pair]


def test_a_click_is_at_its_position() -> None:
    samples = np.zeros(1_000_000, np.float32)
    samples[731_500] = -1

    peaks = peaks_of(samples)

    assert peaks[731].tolist() == [-127, 0]
    assert np.count_nonzero(peaks) == 1
