"""The shape of spectra that are known."""

import numpy as np
import pytest

from app.descriptors.frames import BLOCK_FRAMES, HOP, N_FFT, magnitude_blocks
from app.descriptors.spectral import CONTRAST_BANDS, SpectralShape, measure_frames, summarise
from app.domain import Samples
from testing.known_tracks import RATE, chord, tone
from testing.sounds import noise


def shape_of(track: Samples) -> SpectralShape:
    shape = summarise([measure_frames(block, RATE) for block in magnitude_blocks(track)])
    assert shape
    return shape


def test_the_centroid_of_a_tone_is_its_frequency():
    shape = shape_of(tone(2_000, 0.5, 5))

    assert shape.centroid_hz.mean == pytest.approx(2_000, rel=0.01)
    assert shape.rolloff_hz.mean == pytest.approx(2_000, rel=0.01)
    assert shape.centroid_hz.std < 1
    assert shape.bandwidth_hz.mean < 100
    assert shape.flatness.mean < 0.001


def test_noise_is_flat_and_tones_have_contrast():
    white, tonal = shape_of(noise(RATE * 5)), shape_of(chord([60, 64, 67], 5))

    assert white.centroid_hz.mean == pytest.approx(RATE / 4, rel=0.02)
    assert white.rolloff_hz.mean == pytest.approx(0.85 * RATE / 2, rel=0.02)
    assert 0.4 < white.flatness.mean < 0.7
    assert len(white.contrast_db) == CONTRAST_BANDS
    for band in (1, 2):  # 200 to 800 Hz, where the chord is
        assert tonal.contrast_db[band].mean > white.contrast_db[band].mean + 10


def test_silent_frames_do_not_count():
    sound = tone(2_000, 0.5, 3)
    padded = np.concatenate([np.zeros(RATE * 9, np.float32), sound])

    assert shape_of(padded).centroid_hz.mean == pytest.approx(2_000, rel=0.05)


def test_silence_has_no_shape():
    blocks = magnitude_blocks(np.zeros(RATE, np.float32))
    assert summarise([measure_frames(block, RATE) for block in blocks]) is None


@pytest.mark.parametrize("frames", [1, BLOCK_FRAMES, BLOCK_FRAMES + 1])
def test_blocks_have_each_frame_once(frames: int):
    track = noise((frames - 1) * HOP + N_FFT)
    blocks = list(magnitude_blocks(track))

    assert sum(block.shape[1] for block in blocks) == frames
    last = np.abs(np.fft.rfft(track[-N_FFT:] * np.hanning(N_FFT + 1)[:-1]))
    assert blocks[-1][:, -1] == pytest.approx(last, abs=1e-3)
