import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from app.audio.decoders.av_source import CODECS, DEMUXERS
from app.audio.decoders.track_reader import TrackReader
from app.audio.worker.processes import Decoder
from app.domain import Decoders
from app.errors import Kind, SetupError
from testing.kinds import KINDS
from testing.media import RATE, film, media, referring
from testing.sounds import (
    LIMITS,
    TONE_LEVEL,
    decoded,
    encoded,
    noise,
    opened,
    pitch_hz,
    tone,
)
from tests.audio.decode_helpers import decode, refusal

ALONE = replace(LIMITS, decoders=Decoders.SOUNDFILE)

FILES = {
    "AAC": media,
    "mono AAC": lambda: media(channels=1),
    "AAC at 48 kHz": lambda: media(rate=48_000),
    "AAC of five channels": lambda: media(channels=5),
    "AAC in MP4": lambda: media(container="mp4"),
    "AAC in frames of ADTS": lambda: media(container="adts"),
    "ALAC": lambda: media(codec="alac"),
    "AAC with a cover": lambda: media(container="mp4", cover=True),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_duration_pitch_and_level_are_kept(make: Callable[[], bytes]):
    sound = decoded(make())

    assert sound.dtype == np.float32
    assert len(sound) / LIMITS.sample_rate == pytest.approx(2.0, abs=0.1)
    assert pitch_hz(sound) == pytest.approx(440.0, abs=0.5)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(TONE_LEVEL / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("channels", range(1, 9))
def test_any_number_of_channels_is_mixed(channels: int) -> None:
    sound = np.repeat(tone(RATE)[:, None], channels, axis=1)

    mixed = decoded(encoded(sound, RATE, "OGG", "VORBIS"))

    assert pitch_hz(mixed) == pytest.approx(440.0, abs=0.5)
    # The sixth channel of 5.1 is for low frequencies and lacks the tone.
    assert np.sqrt(np.mean(mixed**2)) == pytest.approx(TONE_LEVEL / np.sqrt(2), rel=0.2)


def test_lossless_formats_are_decoded_exactly():
    sound = noise(3 * LIMITS.sample_rate)

    got = decoded(media(sound, "alac", rate=LIMITS.sample_rate, channels=1))

    np.testing.assert_allclose(got[: len(sound)], sound, atol=2**-15)


@pytest.mark.parametrize("make", [FILES["AAC"], FILES["ALAC"], FILES["AAC in frames of ADTS"]])
@pytest.mark.anyio
async def test_a_sandboxed_decoder_gives_the_same_samples(
    make: Callable[[], bytes], tmp_path: Path
):
    path = tmp_path / "upload"
    path.write_bytes(make())

    waveform = await decode(Decoder(LIMITS, 1, 60), path)

    np.testing.assert_array_equal(waveform.samples, decoded(path))


UNSUPPORTED = {
    "a film without sound": film,
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "a list of files": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a codec that has no name": lambda: media().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"),
    "a codec that is not for music": lambda: media(container="mov", codec="pcm_s16le").replace(
        b"sowt", b"Qclp"
    ),
}

DAMAGED = {
    "no boxes but the first": lambda: media()[:28],
    "no list of what is in it": lambda: media()[:2_000],
    "a first box that never ends": lambda: b"\xff\xff\xff\xffftypM4A " + media()[12:],
    "nothing but zeros in its sound": lambda: zeroed(media(codec="alac")),
    "a picture": lambda: b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(4_096),
}


def zeroed(file: bytes) -> bytes:
    begin, end = file.index(b"mdat") + 4, file.index(b"moov") - 4
    return file[:begin] + bytes(end - begin) + file[end:]


@pytest.mark.parametrize("make", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_files_without_a_supported_audio_stream_are_unsupported(make: Callable[[], bytes]):
    error = refusal(make())

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "M4A, AAC" in error.detail, "it must say what is read here"


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED)
def test_files_without_decodable_audio_are_undecodable(make: Callable[[], bytes]):
    assert refusal(make()).kind is Kind.UNDECODABLE_AUDIO


def test_no_allowed_demuxer_opens_other_files():
    assert not {"hls", "concat", "dash", "image2", "lavfi", "sdp", "rtsp"} & set(DEMUXERS)


def test_all_allowed_names_are_known_to_ffmpeg_and_decode_audio():
    known = av.formats_available
    assert all(any(name in each.split(",") for each in known) for name in DEMUXERS)
    assert all(av.Codec(name, "r").type == "audio" for name in CODECS)


def test_a_title_that_is_not_utf_8_is_accepted():
    title = "a song of its own"
    file = media(title=title)
    strange = file.replace(title.encode(), b"\xff\xc0" * (len(title) // 2) + b"\x80")

    assert strange != file
    np.testing.assert_array_equal(decoded(strange), decoded(file))


def test_audio_in_an_external_file_is_not_opened(tmp_path: Path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.write_bytes(media())
    here.write_bytes(referring(media(), bytes(there)))
    follow = {"enable_drefs": "1", "use_absolute_path": "1"}

    assert refusal(here).kind is Kind.UNDECODABLE_AUDIO
    with av.open(str(here), format="mp4", container_options=follow) as followed:
        assert next(followed.demux(audio=0)).size, "else there was nothing to follow"


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_video_longer_than_its_audio_is_not_damaged(container: str):
    with opened(media(tone(RATE, 1.0), container=container, video=True)) as file:
        reader = TrackReader(file, LIMITS)
        sound = np.concatenate(list(reader.samples()))

    assert len(sound) / LIMITS.sample_rate == pytest.approx(1.0, abs=0.1)
    assert reader.announced_s is None


@pytest.mark.parametrize(
    ("seconds", "kind"), [(0.1, Kind.AUDIO_TOO_SHORT), (11, Kind.AUDIO_TOO_LONG)]
)
def test_the_duration_is_that_of_the_decoded_audio(seconds: float, kind: Kind):
    assert refusal(media(tone(RATE, seconds))).kind is kind


def test_without_pyav_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(SetupError, match=r"TAGGRAM_DECODERS=soundfile"):
        Decoder(LIMITS, workers=1, timeout_s=1)
    Decoder(ALONE, workers=1, timeout_s=1)


READ_ALONE = [("WAV", None), ("AIFF", None), ("FLAC", None), ("MP3", None), ("OGG", "VORBIS")]


@pytest.mark.parametrize(("container", "codec"), READ_ALONE)
def test_soundfile_alone_reads_the_commonest_formats(container: str, codec: str | None):
    sound = decoded(encoded(tone(RATE), RATE, container, codec), ALONE)

    assert len(sound) / ALONE.sample_rate == pytest.approx(2.0, abs=0.1)
    assert pitch_hz(sound) == pytest.approx(440.0, abs=0.5)


@pytest.mark.parametrize("name", ["M4A", "WebM", "WMA 2", "CAF", "MP3 behind junk", "BW64"])
def test_soundfile_alone_refuses_the_others(name: str):
    error = refusal(KINDS[name](tone(RATE)), ALONE)

    assert error.kind in {Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO}
    assert "M4A" not in error.detail


def test_soundfile_alone_reports_what_a_damaged_file_lacks():
    flac = encoded(noise(3 * RATE), RATE, "FLAC")
    with opened(flac[: len(flac) // 2]) as file:
        reader = TrackReader(file, ALONE)
        sound = np.concatenate(list(reader.samples()))

    assert 0.5 < len(sound) / ALONE.sample_rate < 2
    assert reader.announced_s == pytest.approx(3.0)
