import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.audio.formats import SUBTYPES
from app.errors import Kind, RequestError
from testing.sounds import LIMITS, decoded, encoded, noise, piped, tone

RATE = LIMITS.sample_rate
KILOBITS_PER_S = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def refusal(data: bytes, folder: Path, name: str = "upload") -> RequestError:
    """Why a file is refused; never in words that tell where the server keeps it."""
    path = folder / name
    path.write_bytes(data)
    with pytest.raises(RequestError) as refused:
        decoded(path)
    assert str(folder) not in str(refused.value)
    assert path.name not in str(refused.value)
    return refused.value


def wav_with(offset: int, layout: str, value: int) -> bytes:
    wav = bytearray(encoded(tone(RATE), RATE))
    struct.pack_into(layout, wav, offset, value)
    return bytes(wav)


def with_sample(value: float, codec: str = "FLOAT") -> bytes:
    sound = tone(RATE).astype(np.float64)
    sound[5_000] = value
    return encoded(sound, RATE, codec=codec)


UNSUPPORTED: dict[str, Callable[[], bytes]] = {
    "text": lambda: b"Never gonna give you up, never gonna let you down\n" * 40,
    "an empty file": lambda: b"",
    "one byte": lambda: b"\xff",
    "M4A": lambda: b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(4096),
    "a video": lambda: b"RIFF\0\0\1\0AVI LIST" + bytes(4096),
    "MPEG layer II": lambda: b"\xff\xfd\x90\x00" + bytes(4096),
    "Sun's .au": lambda: encoded(tone(RATE), RATE, "AU"),
    "Apple's .caf": lambda: encoded(tone(RATE), RATE, "CAF"),
    "Apple's .caf behind a tag": lambda: tagged(encoded(tone(RATE), RATE, "CAF")),
    "Ogg behind a tag": lambda: tagged(encoded(noise(44_100), 44_100, "OGG")),
    "a tag and nothing else": lambda: tagged(b""),
    "tags without end": lambda: tagged(b"") * 500_000 + encoded(tone(RATE), RATE, "MP3"),
    "a tag that goes on after the end": lambda: tagged(b"")[:-1] + b"\x7f",
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n",
    "AAC in frames of ADTS": lambda: b"\xff\xf1\x50\x80" + bytes(4096),
    "WAV with MS ADPCM": lambda: encoded(tone(RATE), RATE, codec="MS_ADPCM"),
    "WAV with GSM": lambda: encoded(tone(8_000), 8_000, codec="GSM610"),
}

DAMAGED: dict[str, Callable[[], bytes]] = {
    "FLAC cut to a half": lambda: cut(encoded(noise(3 * RATE), RATE, "FLAC"), 0.5),
    "FLAC cut at the very end": lambda: cut(encoded(noise(3 * RATE), RATE, "FLAC"), 0.99),
    "FLAC cut in the header": lambda: encoded(noise(RATE), RATE, "FLAC")[:20],
    "FLAC with a flipped byte": lambda: flipped(encoded(noise(3 * RATE), RATE, "FLAC"), 0.5),
    "piped FLAC with a flipped byte": lambda: flipped(piped_noise(), 0.25),
    "piped FLAC with a flipped byte in its first frame": lambda: flipped(piped_noise(), 0.001),
    "piped FLAC cut to a quarter": lambda: cut(piped_noise(), 0.25),
    "MP3 with garbage in its frames": lambda: garbled(encoded(tone(44_100), 44_100, "MP3")),
    "MP3 cut in its first frame": lambda: encoded(tone(44_100), 44_100, "MP3")[:60],
    "Ogg cut in its headers": lambda: cut(encoded(noise(44_100), 44_100, "OGG"), 0.05),
    "WAV without a body": lambda: encoded(tone(RATE), RATE)[:20],
    "WAV of no channels": lambda: wav_with(22, "<H", 0),
    "WAV of 65535 channels": lambda: wav_with(22, "<H", 65_535),
}


def tagged(data: bytes) -> bytes:
    """With an empty ID3 tag in front."""
    return b"ID3\x03\0\0\0\0\0\0" + data


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def flipped(data: bytes, share: float) -> bytes:
    damaged = bytearray(data)
    damaged[int(len(data) * share)] ^= 0xFF
    return bytes(damaged)


def garbled(mp3: bytes) -> bytes:
    """The frames' headers stay, so it still decodes: to samples of some 400,000."""
    random = np.random.RandomState(3)
    garbage, start = b"", 0
    while start < len(mp3):
        header = mp3[start : start + 4]
        size = 144_000 * KILOBITS_PER_S[header[2] >> 4] // 44_100 + (header[2] >> 1 & 1)
        garbage += header + random.bytes(size - len(header))
        start += size
    return garbage


def piped_noise() -> bytes:
    # 44.1 kHz: the damage then lies within a block that is read at once, not at its edge.
    return piped(encoded(noise(3 * 44_100), 44_100, "FLAC"))


@pytest.mark.parametrize("make", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_no_audio_that_we_read_is_unsupported(make: Callable[[], bytes], tmp_path: Path):
    error = refusal(make(), tmp_path, "song.mp3")

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "FLAC" in error.detail, "it must say what to send instead"


READ = SUBTYPES.keys()
UNREAD = sorted(soundfile.available_formats().keys() - READ - {"SD2"})
"""SD2 has its header in a second file, which libsndfile would write to the working directory."""


@pytest.mark.parametrize("container", UNREAD)
def test_what_else_libsndfile_could_read_is_unsupported(container: str, tmp_path: Path):
    for codec in soundfile.available_subtypes(container):
        for channels in (1, 2):
            with suppress(soundfile.LibsndfileError):  # not every one can be written
                sound = np.stack([noise(4_000)] * channels, axis=1)
                file = encoded(sound, 8_000, container, codec)
                assert refusal(file, tmp_path, "song.mp3").kind is Kind.UNSUPPORTED_AUDIO


def test_codecs_that_we_do_not_read_are_unsupported_in_every_container(tmp_path: Path):
    for container in READ:
        for codec in soundfile.available_subtypes(container).keys() - SUBTYPES[container]:
            with suppress(soundfile.LibsndfileError):
                file = encoded(noise(4_000), 8_000, container, codec)
                assert refusal(file, tmp_path).kind is Kind.UNSUPPORTED_AUDIO


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_undecodable(make: Callable[[], bytes], tmp_path: Path):
    assert refusal(make(), tmp_path).kind is Kind.UNDECODABLE_AUDIO


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -3e38])
def test_a_sample_out_of_any_range_makes_a_file_undecodable(value: float, tmp_path: Path):
    assert refusal(with_sample(value), tmp_path).kind is Kind.UNDECODABLE_AUDIO


def test_a_sample_that_only_a_double_can_hold_makes_a_file_undecodable(tmp_path: Path):
    assert refusal(with_sample(1e300, "DOUBLE"), tmp_path).kind is Kind.UNDECODABLE_AUDIO


@pytest.mark.parametrize("rate", [1, 7_999, 384_001, 2**30])
def test_a_sample_rate_that_no_music_has_is_unsupported(rate: int, tmp_path: Path):
    error = refusal(wav_with(24, "<I", rate), tmp_path)

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert f"{rate} Hz" in error.detail


def test_nine_channels_are_unsupported(tmp_path: Path):
    error = refusal(encoded(np.stack([tone(RATE)] * 9, axis=1), RATE), tmp_path)

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "9 channels" in error.detail


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.49])
def test_a_track_below_the_limit_is_too_short(seconds: float, tmp_path: Path):
    error = refusal(encoded(tone(44_100, seconds), 44_100), tmp_path)

    assert error.kind is Kind.AUDIO_TOO_SHORT
    assert error.extra == {"duration_s": seconds, "min_duration_s": LIMITS.min_duration_s}


def test_a_piped_flac_that_holds_no_music_is_too_short(tmp_path: Path):
    flac = piped_noise()
    header = flac[: flac.index(b"\xff\xf8")]  # where its first frame begins

    assert refusal(header, tmp_path).kind is Kind.AUDIO_TOO_SHORT


@pytest.mark.parametrize("container", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_track_beyond_the_limit_is_too_long(container: str, tmp_path: Path):
    sound = tone(44_100, LIMITS.max_duration_s + 0.5)

    error = refusal(encoded(sound, 44_100, container), tmp_path)

    assert error.kind is Kind.AUDIO_TOO_LONG
    assert error.extra == {"max_duration_s": LIMITS.max_duration_s}


def test_a_track_as_long_as_the_limit_is_heard(tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(encoded(tone(44_100, LIMITS.max_duration_s), 44_100))

    assert len(decoded(path)) == LIMITS.max_duration_s * RATE


def test_a_piped_flac_beyond_the_limit_is_too_long(tmp_path: Path):
    flac = piped(encoded(tone(44_100, LIMITS.max_duration_s + 0.5), 44_100, "FLAC"))

    assert refusal(flac, tmp_path).kind is Kind.AUDIO_TOO_LONG


@pytest.mark.parametrize("level", [0.0, 5e-4])
def test_what_stays_below_the_noise_floor_is_silent(level: float, tmp_path: Path):
    error = refusal(encoded(tone(44_100) * np.float32(2 * level), 44_100), tmp_path)

    assert error.kind is Kind.SILENT_AUDIO


def test_channels_that_cancel_each_other_out_are_silent(tmp_path: Path):
    sound = tone(44_100)

    error = refusal(encoded(np.stack([sound, -sound], axis=1), 44_100), tmp_path)

    assert error.kind is Kind.SILENT_AUDIO
    assert "cancel" in error.detail
