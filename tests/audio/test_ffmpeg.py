import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from testing.m4a import RATE, film, m4a, referring

from app.audio.processes import Decoder
from app.errors import Kind, SetupError
from testing.sounds import LIMITS, TONE_LEVEL, decoded, noise, pitch_hz, tone
from tests.audio.asking import decode, refusal

WITH_M4A = replace(LIMITS, accept_m4a=True)

FILES = {
    "AAC": m4a,
    "mono AAC": lambda: m4a(channels=1),
    "AAC at 48 kHz": lambda: m4a(rate=48_000),
    "AAC of five channels": lambda: m4a(channels=5),
    "AAC in MP4": lambda: m4a(container="mp4"),
    "AAC in frames of ADTS": lambda: m4a(container="adts"),
    "ALAC": lambda: m4a(codec="alac"),
    "AAC with a cover": lambda: m4a(container="mp4", cover=True),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_length_pitch_and_level_are_kept(make: Callable[[], bytes]):
    sound = decoded(make(), WITH_M4A)

    assert sound.dtype == np.float32
    assert len(sound) / LIMITS.sample_rate == pytest.approx(2.0, abs=0.1)
    assert pitch_hz(sound) == pytest.approx(440.0, abs=0.5)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(TONE_LEVEL / np.sqrt(2), rel=0.05)


def test_what_is_lossless_is_decoded_sample_for_sample():
    sound = noise(3 * LIMITS.sample_rate)

    got = decoded(m4a(sound, "alac", rate=LIMITS.sample_rate, channels=1), WITH_M4A)

    np.testing.assert_allclose(got[: len(sound)], sound, atol=2**-15)


@pytest.mark.parametrize("make", [FILES["AAC"], FILES["ALAC"], FILES["AAC in frames of ADTS"]])
@pytest.mark.anyio
async def test_a_confined_decoder_gives_the_same(make: Callable[[], bytes], tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(make())

    waveform = await decode(Decoder(WITH_M4A, 1, 60), path)

    np.testing.assert_array_equal(waveform.samples, decoded(path, WITH_M4A))


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_nothing_of_it_is_read_unless_an_operator_wants_it(make: Callable[[], bytes]):
    assert refusal(make()).kind is Kind.UNSUPPORTED_AUDIO


UNSUPPORTED = {
    "a film": lambda: m4a(container="mp4", video=True),
    "a film without sound": film,
    "MP3 in MP4": lambda: m4a(codec="libmp3lame", container="mp4"),
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "QuickTime": lambda: m4a(container="mov"),
    "a picture": lambda: b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(4_096),
}

DAMAGED = {
    "no boxes but the first": lambda: m4a()[:28],
    "no list of what is in it": lambda: m4a()[:2_000],
    "a first box that never ends": lambda: b"\xff\xff\xff\xffftypM4A " + m4a()[12:],
    "zeros in its sound": lambda: zeroed(m4a(codec="alac")),
}


def zeroed(file: bytes) -> bytes:
    begin = file.index(b"mdat") + 4
    return file[:begin] + bytes(4_000) + file[begin + 4_000 :]


@pytest.mark.parametrize("make", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_no_m4a_with_aac_or_alac_is_unsupported(make: Callable[[], bytes]):
    assert refusal(make(), WITH_M4A).kind is Kind.UNSUPPORTED_AUDIO


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_undecodable(make: Callable[[], bytes]):
    assert refusal(make(), WITH_M4A).kind is Kind.UNDECODABLE_AUDIO


def test_a_title_that_is_no_utf_8_is_no_reason_to_refuse():
    title = "a song of its own"
    file = m4a(title=title)
    strange = file.replace(title.encode(), b"\xff\xc0" * (len(title) // 2) + b"\x80")

    assert strange != file
    np.testing.assert_array_equal(decoded(strange, WITH_M4A), decoded(file, WITH_M4A))


def test_a_codec_that_has_no_name_is_unsupported():
    nameless = m4a().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz")

    error = refusal(nameless, WITH_M4A)

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "M4A or AAC" in error.detail, "it must say what is read here"


def test_sound_that_is_in_another_file_is_not_looked_for(tmp_path: Path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.write_bytes(m4a())
    here.write_bytes(referring(m4a(), bytes(there)))
    follow = {"enable_drefs": "1", "use_absolute_path": "1"}

    assert refusal(here, WITH_M4A).kind is Kind.UNDECODABLE_AUDIO
    with av.open(str(here), format="mp4", container_options=follow) as media:
        assert next(media.demux(audio=0)).size, "else there was nothing to follow"


@pytest.mark.parametrize(
    ("seconds", "kind"), [(0.1, Kind.AUDIO_TOO_SHORT), (11, Kind.AUDIO_TOO_LONG)]
)
def test_length_is_counted_in_what_was_decoded(seconds: float, kind: Kind):
    assert refusal(m4a(tone(RATE, seconds)), WITH_M4A).kind is kind


def test_without_pyav_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(SetupError, match=r"pip install taggram\[m4a\]"):
        Decoder(WITH_M4A, workers=1, timeout_s=1)
    Decoder(LIMITS, workers=1, timeout_s=1)
