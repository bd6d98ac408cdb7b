"""Why files are refused, and in which words; `tests/faults/test_corpus.py` has many more."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.audio.decoders.soundfile_source import SUBTYPES
from app.domain import Decoders
from app.errors import Kind
from testing.corpus.wav import wav
from testing.kinds import announcing
from testing.sounds import LIMITS, decoded, encoded, noise, piped, tone
from tests.audio.decode_helpers import refusal

RATE = LIMITS.sample_rate
ALONE = replace(LIMITS, decoders=Decoders.SOUNDFILE)

UNSUPPORTED: dict[str, Callable[[], bytes]] = {
    "text": lambda: b"Never gonna give you up, never gonna let you down\n" * 40,
}

DAMAGED: dict[str, Callable[[], bytes]] = {
    "FLAC cut at its very beginning": lambda: cut(encoded(noise(3 * RATE), RATE, "FLAC"), 0.05),
    "WAV with a tenth of its sound": lambda: cut(encoded(noise(9 * RATE), RATE), 0.09),
    "FLAC that announces what it has a tenth of": lambda: announcing(9, noise(44_100 * 4 // 5)),
}


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def piped_noise() -> bytes:
    return piped(encoded(noise(3 * 44_100), 44_100, "FLAC"))


@pytest.mark.parametrize("make", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_files_that_are_not_supported_audio_are_unsupported(make: Callable[[], bytes]):
    error = refusal(make())

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "FLAC" in error.detail, "it must say what to send instead"


READ = SUBTYPES.keys()
UNREAD = sorted(soundfile.available_formats().keys() - READ - {"SD2", "CAF", "W64", "AU"})
"""SD2 has its header in a second file, which libsndfile would write to the working directory."""


@pytest.mark.parametrize("container", UNREAD)
def test_other_formats_of_libsndfile_are_unsupported(container: str):
    for codec in soundfile.available_subtypes(container):
        for channels in (1, 2):
            with suppress(soundfile.LibsndfileError):  # not every one can be written
                sound = np.stack([noise(4_000)] * channels, axis=1)
                file = encoded(sound, 8_000, container, codec)
                assert refusal(file).kind is Kind.UNSUPPORTED_AUDIO


def test_codecs_that_only_ffmpeg_reads_are_unsupported_by_soundfile_alone():
    for container in READ:
        for codec in soundfile.available_subtypes(container).keys() - SUBTYPES[container]:
            with suppress(soundfile.LibsndfileError):
                file = encoded(noise(4_000), 8_000, container, codec)
                assert refusal(file, ALONE).kind is Kind.UNSUPPORTED_AUDIO


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED)
def test_the_message_for_a_damaged_file_does_not_hold_its_path(
    make: Callable[[], bytes], tmp_path: Path
):
    path = tmp_path / "song.mp3"
    path.write_bytes(make())

    error = refusal(path)

    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert str(tmp_path) not in str(error)
    assert path.name not in str(error)


@pytest.mark.parametrize("rate", [7_999, 384_001])
def test_an_absurd_sample_rate_is_unsupported(rate: int):
    error = refusal(wav(rate=rate))

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert f"{rate} Hz" in error.detail


def test_nine_channels_are_unsupported():
    error = refusal(encoded(np.stack([tone(RATE)] * 9, axis=1), RATE))

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "9 channels" in error.detail


@pytest.mark.parametrize("seconds", [0.0, 0.49])
def test_a_track_below_the_limit_is_too_short(seconds: float):
    error = refusal(encoded(tone(44_100, seconds), 44_100))

    assert error.kind is Kind.AUDIO_TOO_SHORT
    assert error.extra == {"duration_s": seconds, "min_duration_s": LIMITS.min_duration_s}


def test_a_piped_flac_without_samples_is_too_short():
    flac = piped_noise()
    header = flac[: flac.index(b"\xff\xf8")]  # where its first frame begins

    assert refusal(header).kind is Kind.AUDIO_TOO_SHORT


@pytest.mark.parametrize("container", ["WAV", "OGG"])
def test_a_track_beyond_the_limit_is_too_long(container: str):
    sound = tone(44_100, LIMITS.max_duration_s + 0.5)

    error = refusal(encoded(sound, 44_100, container))

    assert error.kind is Kind.AUDIO_TOO_LONG
    assert error.extra == {"max_duration_s": LIMITS.max_duration_s}


def test_a_track_as_long_as_the_limit_is_accepted():
    longest = encoded(tone(44_100, LIMITS.max_duration_s), 44_100)

    assert len(decoded(longest)) == LIMITS.max_duration_s * RATE


def test_channels_that_cancel_each_other_out_are_silent():
    sound = tone(44_100)

    error = refusal(encoded(np.stack([sound, -sound], axis=1), 44_100))

    assert error.kind is Kind.SILENT_AUDIO
    assert "cancel" in error.detail
