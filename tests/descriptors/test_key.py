"""Keys of chords."""

import numpy as np
import pytest

from app.descriptors.frames import magnitude_blocks
from app.descriptors.key import TONICS, Key, Mode, measure_key, sum_pitch_classes
from app.domain import Samples
from testing.known_tracks import RATE, chords
from testing.sounds import noise


def key_of(track: Samples) -> Key | None:
    return measure_key(sum(sum_pitch_classes(block, RATE) for block in magnitude_blocks(track)))


SOME = (0, 4, 11)


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize(
    "tonic",
    [
        each if each in SOME else pytest.param(each, marks=pytest.mark.thorough)
        for each in range(12)
    ],
)
def test_every_key_is_found(tonic: int, minor: bool):
    key = key_of(chords(tonic, minor=minor))

    assert key
    assert (key.tonic, key.mode) == (TONICS[tonic], Mode.MINOR if minor else Mode.MAJOR)
    assert key.strength > 0.7


@pytest.mark.parametrize("cents", [-40, -20, 20, 40])
def test_a_track_may_be_out_of_tune(cents: float):
    key = key_of(chords(2, minor=False, cents=cents))

    assert key
    assert (key.tonic, key.mode) == ("D", Mode.MAJOR)


@pytest.mark.parametrize("track", [np.zeros(RATE, np.float32), noise(RATE * 20)])
def test_silence_and_noise_have_no_key(track: Samples):
    assert key_of(track) is None
