from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from app.audio.decoding import decode
from app.audio.limits import AudioLimits
from app.audio.scratch import scratch_for
from app.audio.source import BLOCK_FRAMES
from testing.sounds import (
    LIMITS,
    TONE_HZ,
    TONE_LEVEL,
    Sound,
    decoded,
    encoded,
    noise,
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


def hear(data: bytes, folder: Path) -> Sound:
    path = folder / "upload"
    path.write_bytes(data)
    return decoded(path)


@pytest.mark.parametrize(("container", "codec", "rate"), ACCEPTED)
def test_every_accepted_format_keeps_length_pitch_and_level(
    container: str, codec: str, rate: int, tmp_path: Path
):
    sound = hear(encoded(tone(rate), rate, container, codec), tmp_path)

    assert sound.dtype == np.float32
    assert sound.shape == (2 * RATE,)
    assert pitch_hz(sound) == pytest.approx(TONE_HZ, abs=0.5)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(TONE_LEVEL / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize(("container", "codec"), [("WAV", "PCM_16"), ("AIFF", "PCM_24")])
def test_a_lossless_file_at_the_models_rate_is_heard_sample_for_sample(
    container: str, codec: str, tmp_path: Path
):
    sound = noise(3 * RATE)

    heard = hear(encoded(sound, RATE, container, codec), tmp_path)

    np.testing.assert_allclose(heard, sound, atol=2**-15)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000])
def test_any_sample_rate_is_resampled_as_soxr_does_it_in_one_go(rate: int, tmp_path: Path):
    sound = noise(rate * 3 + 1)

    heard = hear(encoded(sound, rate, codec="FLOAT"), tmp_path)

    np.testing.assert_allclose(heard, soxr.resample(sound, rate, RATE, quality="HQ"), atol=1e-6)


@pytest.mark.parametrize("channels", [2, 3, 8])
def test_mono_is_the_mean_of_the_channels(channels: int, tmp_path: Path):
    sounds = np.stack([noise(RATE, seed) for seed in range(channels)], axis=1)

    heard = hear(encoded(sounds, RATE, codec="FLOAT"), tmp_path)

    np.testing.assert_allclose(heard, sounds.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("samples", [30_000, 65_536, 2 * 65_536, 2 * 65_536 + 1, 100_000])
def test_a_piped_flac_that_does_not_know_its_length_is_heard_to_its_end(
    samples: int, tmp_path: Path
):
    flac = encoded(noise(samples), RATE, "FLAC")

    np.testing.assert_array_equal(hear(piped(flac), tmp_path), hear(flac, tmp_path))


def test_a_piped_flac_keeps_its_channels_apart_until_they_are_mixed(tmp_path: Path):
    flac = encoded(np.stack([noise(70_000), noise(70_000, 2)], axis=1), RATE, "FLAC")

    np.testing.assert_array_equal(hear(piped(flac), tmp_path), hear(flac, tmp_path))


def test_an_mp3_whose_header_claims_years_is_heard_for_what_it_holds(tmp_path: Path):
    mp3 = encoded(tone(44_100), 44_100, "MP3")
    frames = max(mp3.find(b"Xing"), mp3.find(b"Info")) + 8
    lying = mp3[:frames] + (2**31 - 1).to_bytes(4, "big") + mp3[frames + 4 :]

    assert len(hear(lying, tmp_path)) / RATE == pytest.approx(2.0, abs=0.1)


def test_cover_art_is_not_counted_as_music(tmp_path: Path):
    size = 4 * 2**20
    # The length of an ID3 tag has seven bits a byte.
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    art = b"APIC" + (size - 10).to_bytes(4, "big") + b"\0\0" + b"\0image/png\0\x03\0"
    tag = (b"ID3\x03\0\0" + length + art).ljust(size + 10, b"\x55")

    heard = hear(tag + encoded(tone(44_100), 44_100, "MP3"), tmp_path)

    assert len(heard) / RATE == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("container", ["MP3", "FLAC", "WAV", "AIFF"])
def test_tags_in_front_are_passed_over(container: str, tmp_path: Path):
    tag = b"ID3\x04\0\0\0\0\x01\x48" + bytes(200)
    sound = encoded(tone(44_100), 44_100, container)

    np.testing.assert_array_equal(hear(2 * tag + sound, tmp_path), hear(sound, tmp_path))


def test_a_song_is_heard_whole(song: Path):
    info = soundfile.info(song)

    heard = decoded(song, AudioLimits(RATE, 0.5, 600.0))

    assert len(heard) == pytest.approx(info.frames / info.samplerate * RATE, abs=1)
    assert 0.05 < np.sqrt(np.mean(heard**2)) < 0.5


def test_a_file_is_decoded_piece_by_piece_in_bounded_memory(tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(encoded(noise(9 * 48_000), 48_000))

    with path.open("rb", buffering=0) as file, scratch_for(file.fileno()) as scratch:
        pieces = [len(piece) for piece in decode(file, LIMITS, scratch)]

    assert len(pieces) > 3
    assert 0 < min(pieces) <= max(pieces) <= BLOCK_FRAMES
