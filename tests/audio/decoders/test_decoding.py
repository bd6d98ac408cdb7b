from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from app.audio.decoders.source import BLOCK_FRAMES
from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from testing.sounds import (
    LIMITS,
    TONE_HZ,
    TONE_LEVEL,
    decoded,
    encoded,
    noise,
    opened,
    piped,
    pitch_hz,
    tone,
)

RATE = LIMITS.sample_rate

ACCEPTED = [
    ("WAV", "PCM_U8", 44_100),
    ("WAV", "PCM_16", 44_100),
    ("WAV", "PCM_24", 44_100),
    ("WAV", "PCM_32", 44_100),
    ("WAV", "FLOAT", 44_100),
    ("WAV", "DOUBLE", 44_100),
    ("WAV", "ULAW", 44_100),
    ("WAV", "ALAW", 44_100),
    ("WAVEX", "PCM_24", 44_100),
    ("RF64", "PCM_16", 44_100),
    ("AIFF", "PCM_16", 44_100),
    ("AIFF", "PCM_24", 44_100),
    ("AIFF", "FLOAT", 44_100),
    ("FLAC", "PCM_16", 44_100),
    ("FLAC", "PCM_24", 44_100),
    ("MP3", "MPEG_LAYER_III", 44_100),
    ("OGG", "VORBIS", 44_100),
    ("OGG", "OPUS", 48_000),
]


@pytest.mark.parametrize(("container", "codec", "rate"), ACCEPTED)
def test_every_accepted_format_keeps_duration_pitch_and_level(
    container: str, codec: str, rate: int
):
    sound = decoded(encoded(tone(rate), rate, container, codec))

    assert sound.dtype == np.float32
    assert len(sound) / RATE == pytest.approx(2.0, abs=0.005)  # FFmpeg leaves out half a block
    assert pitch_hz(sound) == pytest.approx(TONE_HZ, abs=0.5)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(TONE_LEVEL / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize(("container", "codec"), [("WAV", "PCM_16"), ("AIFF", "PCM_24")])
def test_a_lossless_file_at_the_models_rate_is_decoded_exactly(container: str, codec: str):
    sound = noise(3 * RATE)

    got = decoded(encoded(sound, RATE, container, codec))

    np.testing.assert_allclose(got, sound, atol=2**-15)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000])
def test_any_sample_rate_is_resampled_as_by_soxr_in_one_call(rate: int):
    sound = noise(rate * 3 + 1)

    got = decoded(encoded(sound, rate, codec="FLOAT"))

    np.testing.assert_allclose(got, soxr.resample(sound, rate, RATE, quality="HQ"), atol=1e-6)


@pytest.mark.parametrize("channels", [2, 3, 8])
def test_mono_is_the_mean_of_the_channels(channels: int):
    sounds = np.stack([noise(RATE, seed) for seed in range(channels)], axis=1)

    got = decoded(encoded(sounds, RATE, codec="FLOAT"))

    np.testing.assert_allclose(got, sounds.mean(axis=1), atol=1e-6)


STEREO = replace(LIMITS, channels=2)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_stereo_is_both_channels_of_a_file_or_one_twice(rate: int):
    left, right = noise(2 * rate), noise(2 * rate, 2)

    both = decoded(encoded(np.stack([left, right], axis=1), rate, codec="FLOAT"), STEREO)
    twice = decoded(encoded(left, rate, codec="FLOAT"), STEREO)

    alone = [decoded(encoded(each, rate, codec="FLOAT")) for each in (left, right)]
    np.testing.assert_allclose(both, np.stack(alone, axis=1), atol=1e-6)
    np.testing.assert_allclose(twice, np.stack([alone[0]] * 2, axis=1), atol=1e-6)


@pytest.mark.parametrize("channels", range(1, 9))
def test_the_mean_of_stereo_is_mono_for_any_number_of_channels(channels: int):
    sounds = np.stack([noise(RATE, seed) for seed in range(channels)], axis=1)

    stereo = decoded(encoded(sounds, RATE, codec="FLOAT"), STEREO)

    np.testing.assert_allclose(stereo.mean(axis=1), sounds.mean(axis=1), atol=1e-6)


def test_surround_is_mixed_to_its_sides():
    sounds = np.stack([noise(RATE, seed) for seed in range(6)], axis=1)
    left, right, centre, bass, rear_left, rear_right = sounds.T

    stereo = decoded(encoded(sounds, RATE, codec="FLOAT"), STEREO)

    middle = (centre + bass) / 6
    np.testing.assert_allclose(stereo[:, 0], (left + rear_left) / 3 + middle, atol=1e-6)
    np.testing.assert_allclose(stereo[:, 1], (right + rear_right) / 3 + middle, atol=1e-6)


@pytest.mark.parametrize("samples", [30_000, 65_536, 2 * 65_536, 2 * 65_536 + 1, 100_000])
def test_a_piped_flac_that_does_not_know_its_length_is_decoded_to_its_end(samples: int):
    flac = encoded(noise(samples), RATE, "FLAC")

    np.testing.assert_array_equal(decoded(piped(flac)), decoded(flac))


def test_a_piped_flac_keeps_its_channels_apart_until_they_are_mixed():
    flac = encoded(np.stack([noise(70_000), noise(70_000, 2)], axis=1), RATE, "FLAC")

    np.testing.assert_array_equal(decoded(piped(flac)), decoded(flac))


@pytest.mark.parametrize("container", ["MP3", "FLAC", "WAV", "AIFF"])
def test_leading_tags_are_skipped(container: str):
    tag = b"ID3\x04\0\0\0\0\x01\x48" + bytes(200)
    sound = encoded(tone(44_100), 44_100, container)

    np.testing.assert_array_equal(decoded(2 * tag + sound), decoded(sound))


def test_a_song_is_decoded_completely(song: Path):
    info = soundfile.info(song)

    got = decoded(song, AudioLimits(RATE, 0.5, 600.0))

    assert len(got) == pytest.approx(info.frames / info.samplerate * RATE, abs=0.005 * RATE)
    assert 0.05 < np.sqrt(np.mean(got**2)) < 0.5


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_a_file_is_decoded_piece_by_piece_in_bounded_memory(container: str):
    with opened(encoded(noise(9 * 48_000), 48_000, container)) as file:
        pieces = [len(piece) for piece in TrackReader(file, LIMITS).samples()]

    assert len(pieces) > 3
    assert 0 < min(pieces) <= max(pieces) <= BLOCK_FRAMES
