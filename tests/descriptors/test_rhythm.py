"""Tempo and onset rate of tracks with a known beat."""

import numpy as np
import pytest

from app.descriptors.frames import log_mels, magnitude_blocks
from app.descriptors.rhythm import (
    Envelope,
    measure_envelope,
    measure_onset_rate,
    measure_tempo,
)
from app.domain import Samples
from testing.known_tracks import RATE, beats, chord, tone
from testing.sounds import noise


def envelope_of(track: Samples) -> Envelope:
    """The onset envelope of a track at `RATE`."""
    mels = [log_mels(block, RATE) for block in magnitude_blocks(track)]
    return measure_envelope(np.concatenate(mels, axis=1), RATE)


@pytest.mark.parametrize("bpm", [60, 75, 90, 97.3, 120, 128, 140])
def test_the_tempo_of_a_beat_is_found(bpm: float):
    tempo = measure_tempo(envelope_of(beats(bpm)), RATE)

    assert tempo.bpm == pytest.approx(bpm, rel=0.002)
    assert (tempo.half_bpm, tempo.double_bpm) == (tempo.bpm / 2, tempo.bpm * 2)
    assert tempo.strength > 0.8


@pytest.mark.parametrize("bpm", [45, 174, 200])
def test_an_unusual_tempo_is_a_candidate(bpm: float):
    tempo = measure_tempo(envelope_of(beats(bpm)), RATE)

    candidates = [tempo.bpm, tempo.half_bpm, tempo.double_bpm]
    assert any(each == pytest.approx(bpm, rel=0.002) for each in candidates)


@pytest.mark.parametrize(
    "track",
    [
        np.zeros(RATE * 5, np.float32),
        noise(RATE * 20),
        tone(440, 0.5, 20),
        chord([60, 64, 67], 20),
        beats(120, 0.3),
    ],
    ids=["silence", "noise", "tone", "chord", "a single beat"],
)
def test_without_a_beat_there_is_no_tempo(track: Samples):
    tempo = measure_tempo(envelope_of(track), RATE)

    assert (tempo.bpm, tempo.half_bpm, tempo.double_bpm) == (None, None, None)
    assert 0 <= tempo.strength < 0.3


def test_bursts_at_random_times_have_no_tempo():
    random = np.random.RandomState(3)
    pieces = [beats(60, 0.4)[: random.randint(2_000, 6_400)] for _ in range(60)]

    assert measure_tempo(envelope_of(np.concatenate(pieces)), RATE).bpm is None


@pytest.mark.parametrize("bpm", [60, 150, 480])
def test_each_beat_is_an_onset(bpm: float):
    rate = measure_onset_rate(envelope_of(beats(bpm)), RATE)

    assert rate == pytest.approx(bpm / 60, rel=0.03)


def test_steady_sounds_have_no_onsets():
    for track in (noise(RATE * 10), tone(440, 0.5, 10), np.zeros(RATE, np.float32)):
        assert measure_onset_rate(envelope_of(track), RATE) < 0.2
