"""Loudness and true peak of tones, by the levels that the standards give for them."""

import numpy as np
import pytest

from app.domain import Samples
from testing.known_tracks import RATE, tone

pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")
from app.descriptors.loudness import Loudness, measure_loudness, measure_true_peak

SILENT = Loudness(None, None, None)


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_a_full_scale_tone_of_997_hz_has_minus_3_lufs(rate: int):
    loudness = measure_loudness(tone(997, 1.0, 10, rate), rate)

    assert loudness.integrated_lufs == pytest.approx(-3.01, abs=0.1)


def test_half_of_the_level_is_6_lu_less():
    loud, quiet = (measure_loudness(tone(997, level, 10), RATE) for level in (0.5, 0.25))

    assert loud.integrated_lufs - quiet.integrated_lufs == pytest.approx(6.02, abs=0.01)


def test_pauses_do_not_count():
    sound = tone(997, 0.1, 10)
    with_pauses = np.concatenate([sound, np.zeros(RATE * 20, np.float32)])

    whole = measure_loudness(with_pauses, RATE).integrated_lufs
    assert whole == pytest.approx(measure_loudness(sound, RATE).integrated_lufs, abs=0.2)


def test_the_range_is_the_difference_of_levels():
    """The first case of EBU Tech 3342: 20 s of -20 dBFS, then 20 s of -30 dBFS."""
    track = np.concatenate([tone(1_000, 10 ** (level / 20), 20) for level in (-20, -30)])

    assert measure_loudness(track, RATE).range_lu == pytest.approx(10, abs=1)


def test_a_short_track_has_no_range():
    steady = tone(1_000, 0.1, 20)

    assert measure_loudness(steady, RATE).range_lu == pytest.approx(0, abs=0.1)
    assert measure_loudness(steady[:-1], RATE).range_lu is None


def test_a_peak_between_samples_counts():
    """Of a sine at a quarter of the rate, whose samples are all at 45 degrees."""
    time = np.arange(RATE)
    track = np.sin(np.pi / 2 * time + np.pi / 4).astype(np.float32)

    assert measure_true_peak(track) == pytest.approx(0, abs=0.3)
    assert 20 * np.log10(np.abs(track).max()) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("track", [np.zeros(RATE * 5, np.float32), np.zeros(10, np.float32)])
def test_silence_has_no_loudness(track: Samples):
    assert measure_loudness(track, RATE) == SILENT


def test_a_short_track_has_a_peak_alone():
    loudness = measure_loudness(tone(1_000, 0.5, 0.2), RATE)

    assert (loudness.integrated_lufs, loudness.range_lu) == (None, None)
    assert loudness.true_peak_dbtp == pytest.approx(-6.02, abs=0.3)
