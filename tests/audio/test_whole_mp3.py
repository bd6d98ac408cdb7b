import io
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.audio import whole_mp3
from app.audio.processes import Decoder
from app.audio.scratch import scratch_for
from app.errors import Kind
from testing.corpus.mpeg import id3
from testing.sounds import LIMITS, Sound, decoded, encoded, noise, opened, pitch_hz, tone
from tests.audio.asking import decode, refusal

RATE = LIMITS.sample_rate
ENCODER_DELAY = 576
"""Samples of silence in front of what LAME encodes; without its header nobody cuts them off."""

HEADER_FRAME = 576
"""Samples of silence that a header frame decodes to, where it is taken for an ordinary one."""


def vbr(sound: Sound, rate: int = RATE) -> bytes:
    """An MP3 of variable bit rate, behind a header that says how long it is."""
    return mp3_of(sound, rate, "VARIABLE")


def cbr(sound: Sound) -> bytes:
    return mp3_of(sound, RATE, "CONSTANT")


def mp3_of(sound: Sound, rate: int, mode: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="MP3", bitrate_mode=mode, compression_level=0.9)
    return file.getvalue()


def uneven(rate: int = RATE, seconds: float = 6.0) -> Sound:
    """Noise in whose first second there is most to encode."""
    sound = noise(round(seconds * rate))
    sound[rate:] *= np.float32(0.01)
    return sound + tone(rate, seconds)


@cache
def uneven_vbr() -> bytes:
    return vbr(uneven())


def without_header(mp3: bytes) -> bytes:
    """From the second frame on."""
    return mp3[mp3.index(mp3[:2], 4) :]


def saying(frames: int, mp3: bytes) -> bytes:
    """The same with another length in its header."""
    at = max(mp3.find(b"Xing"), mp3.find(b"Info")) + 8
    return mp3[:at] + frames.to_bytes(4, "big") + mp3[at + 4 :]


def tone_of(hertz: float, rate: int = RATE) -> bytes:
    return vbr(np.sin(2 * np.pi * hertz * np.arange(2 * rate) / rate).astype(np.float32) / 2, rate)


def is_taken_as_it_is(data: bytes) -> bool:
    with opened(data) as file, scratch_for(file.fileno()) as scratch:
        return whole_mp3.whole(file, scratch) is file


COVER = np.random.RandomState(5).bytes(300_000)

RIGHT = {
    "variable bit rate": uneven_vbr,
    "constant bit rate": lambda: cbr(uneven()),
    "constant bit rate without a header": lambda: without_header(cbr(uneven())),
    "stereo": lambda: vbr(np.stack([uneven(44_100), noise(6 * 44_100)], axis=1), 44_100),
    "a tag in front": lambda: id3(COVER) + uneven_vbr(),
    "a tag behind": lambda: uneven_vbr() + b"TAG".ljust(128),
    "a cover behind": lambda: uneven_vbr() + b"APETAGEX" + COVER,
    "a cut end": lambda: cbr(uneven())[:-20],
}


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT)
def test_what_libsndfile_hears_whole_is_left_to_it(make: Callable[[], bytes]):
    assert is_taken_as_it_is(make())


def test_blocks_are_heard_as_libsndfile_reads_them_in_one_go():
    mp3 = vbr(uneven(seconds=9.0))

    heard = decoded(mp3)

    whole, _ = soundfile.read(io.BytesIO(mp3), dtype="float32")
    np.testing.assert_allclose(heard, whole, atol=1e-6)


def test_without_a_header_the_same_is_heard_as_with_one():
    mp3 = uneven_vbr()
    bare = without_header(mp3)

    heard = decoded(bare)

    assert soundfile.info(io.BytesIO(bare)).duration < 4, "else libsndfile hears it whole"
    expected = decoded(mp3)
    np.testing.assert_allclose(heard[ENCODER_DELAY:][: len(expected)], expected, atol=1e-6)


@pytest.mark.parametrize("rate", [48_000, 44_100, 32_000, 24_000, 22_050, 12_000, 11_025, 8_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_at_every_rate_all_is_heard(rate: int, channels: int):
    bare = without_header(vbr(np.stack([uneven(rate)] * channels, axis=1), rate))

    heard = decoded(bare)

    assert soundfile.info(io.BytesIO(bare)).duration < 5, "else libsndfile hears it whole"
    assert len(heard) / RATE == pytest.approx(6.0, abs=0.3)
    assert pitch_hz(heard[-RATE:]) == pytest.approx(440.0, abs=1.0)


@pytest.mark.parametrize("frames", [0, 1, 2, 60])
def test_a_header_that_says_too_little_is_not_believed(frames: int):
    mp3 = uneven_vbr()

    heard = decoded(saying(frames, mp3))

    expected = decoded(mp3)
    begin = HEADER_FRAME + ENCODER_DELAY
    np.testing.assert_allclose(heard[begin:][: len(expected)], expected, atol=1e-6)


BETWEEN = {
    "nothing": b"",
    "a tag": id3(COVER),
    "zeros": bytes(5_000),
    "the tag of the first one": b"TAG".ljust(128),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_of_two_that_were_joined_both_are_heard(between: bytes):
    heard = decoded(tone_of(440) + between + tone_of(880))

    assert len(heard) / RATE == pytest.approx(4.0, abs=0.3)
    assert pitch_hz(heard[RATE // 2 :][:RATE]) == pytest.approx(440.0, abs=1.0)
    assert pitch_hz(heard[-RATE * 3 // 2 :][:RATE]) == pytest.approx(880.0, abs=1.0)


@pytest.mark.anyio
async def test_a_confined_decoder_hears_both_too(tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(tone_of(440) + tone_of(880))

    waveform = await decode(Decoder(LIMITS, 1, 60), path)

    np.testing.assert_array_equal(waveform.samples, decoded(path))


def test_damage_in_the_middle_costs_no_more_than_itself():
    mp3 = uneven_vbr()
    middle = len(mp3) // 2

    heard = decoded(mp3[:middle] + bytes(3_000) + mp3[middle + 3_000 :])

    assert 4 < len(heard) / RATE < 6


CHANGING = {
    "rate": lambda: tone_of(440) + tone_of(440, 24_000),
    "version": lambda: tone_of(440) + tone_of(440, 44_100),
    "channels": lambda: tone_of(440) + vbr(np.stack([tone(RATE)] * 2, axis=1)),
}


@pytest.mark.parametrize("make", CHANGING.values(), ids=CHANGING)
def test_what_changes_in_the_middle_is_refused(make: Callable[[], bytes]):
    error = refusal(make())

    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "change in the middle" in error.detail


def test_length_is_counted_in_all_of_it():
    bare = without_header(vbr(uneven(seconds=LIMITS.max_duration_s + 1)))

    assert soundfile.info(io.BytesIO(bare)).duration < LIMITS.max_duration_s
    assert refusal(bare).kind is Kind.AUDIO_TOO_LONG


def test_headers_that_lead_nowhere_are_soon_given_up():
    nowhere = struct.pack(">I", 0xFFFB90C4) * 2_000_000

    error = refusal(uneven_vbr() + nowhere)

    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "between its frames" in error.detail


@pytest.mark.parametrize("length", range(1, 5))
def test_a_header_that_is_cut_off_at_the_end_begins_no_frame(length: int) -> None:
    junk = without_header(uneven_vbr()) + bytes(100)
    cut = decoded(junk + without_header(cbr(uneven()))[:length])
    assert len(cut) == len(decoded(junk))


def test_padding_that_a_tag_does_not_count_is_passed_over():
    mp3 = uneven_vbr()

    heard = decoded(id3(b"") + bytes(60_001) + mp3)

    assert len(heard) / RATE == pytest.approx(6.0, abs=0.3)


UNSUPPORTED = {
    "more of it than any tagger leaves": lambda: id3(b"") + bytes(70_000) + uneven_vbr(),
    "a WAV behind it": lambda: id3(b"") + bytes(500) + encoded(noise(RATE), RATE),
    "nothing behind it": lambda: id3(b"") + bytes(500),
    "no tag in front": lambda: bytes(500) + uneven_vbr(),
}


@pytest.mark.parametrize("make", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_other_zeros_are_no_audio(make: Callable[[], bytes]):
    assert refusal(make()).kind is Kind.UNSUPPORTED_AUDIO
