"""What taggers, rippers and downloads leave in front of and behind audio does no harm to it."""

import struct
from functools import cache

import numpy as np
import pytest

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from app.audio.refusals import RefusedFileError
from testing.corpus.mpeg import cover, id3
from testing.kinds import JUNK, KINDS, OTHERS, RATE, TAG
from testing.ogg_pages import pages
from testing.sounds import encoded, noise, opened

LIMITS = AudioLimits(16_000, 0.5, 60.0)
SECONDS = 3.0

FIRST_BYTES = np.random.RandomState(3).bytes(60_000)
ID3V1 = b"TAG" + b"Song".ljust(125, b"\0")


def ape(body: bytes) -> bytes:
    """A tag with a header and a footer."""
    fields = struct.pack("<3I", 2_000, 32 + len(body), 1)
    head, foot = (struct.pack("<I8x", flags) for flags in (0xA0000000, 0x80000000))
    return b"APETAGEX" + fields + head + body + b"APETAGEX" + fields + foot


FRONT = {
    "zeros": bytes(4_096),
    "60 kB of zeros": bytes(60_000),
    "junk": JUNK,
    "60 kB of junk": FIRST_BYTES,
    "a byte order mark": b"\xef\xbb\xbf",
    "a line's end": b"\r\n",
    "an HTTP header": b"HTTP/1.1 200 OK\r\nContent-Type: audio/x\r\nicy-name: Radio\r\n\r\n",
    "an ID3v2 tag that is too short": b"ID3\4\0\0\0\0\0\x32" + bytes(400),
    "an ID3v2 tag whose size is not syncsafe": b"ID3\4\0\0\0\0\x4e\x20" + bytes(20_000),
    "an ID3v2 tag that is too long": id3(bytes(200), 5_000),
    "an ID3v2 tag that is longer than the file": id3(bytes(200), 2**28 - 1),
    "an ID3v2 tag of size 0": id3(bytes(200), 0),
    "three ID3v2 tags": 3 * TAG,
    "an ID3v2 tag and junk": TAG + JUNK,
    "an ID3v1 tag": ID3V1,
    "an APE tag": ape(b"\2\0\0\0\0\0\0\0Year\x0099"),
    "an APE tag of 90 kB": ape(bytes(90_000)),
}
BEHIND = {
    "an ID3v1 tag": ID3V1,
    "an APE tag": ape(bytes(200)),
    "an APE and an ID3v1 tag": ape(bytes(200)) + ID3V1,
    "a Lyrics3 tag": b"LYRICSBEGIN" + b"IND00002" * 100 + b"000811LYRICS200" + ID3V1,
    "an ID3v2 tag": TAG,
    "zeros": bytes(4_096),
    "junk": JUNK,
    "a text": b"Made with love\r\n" * 20,
}

NAMED = [
    *("WAV", "WAV of A-law", "RF64", "W64", "AIFF", "CAF", "FLAC", "FLAC in Ogg", "Ogg Vorbis"),
    *("Opus", "M4A", "ALAC", "MP4 in fragments", "WebM", "Matroska of MP3", "WMA 2", "WavPack"),
    *("TTA", *(name for name in OTHERS if not name.startswith(("AC-3", "E-AC-3", "MPEG")))),
]
"""Kinds that are identified by their first bytes."""
GUESSED = ["MP3", "MP3 without a header", "MP2", "AAC", "AC-3", "MPEG-TS of MP2"]
FEW = {
    ("FLAC", "junk"), ("M4A", "an ID3v2 tag that is too long"), ("WAV", "an HTTP header"),
    ("MP3", "an ID3v2 tag that is longer than the file"), ("Opus", "an APE tag of 90 kB"),
    ("CAF", "a Lyrics3 tag"), ("WMA 2", "zeros"), ("WebM", "an APE and an ID3v1 tag"),
}  # fmt: skip


def cases(kinds: list[str], around: dict[str, bytes]) -> list[object]:
    """All pairs; by default a few of them."""
    return [
        pytest.param(kind, what, marks=() if (kind, what) in FEW else pytest.mark.thorough)
        for kind in kinds
        for what in around
    ]


def read(file: bytes) -> tuple[float, float | None]:
    """The seconds that are decoded, and those that the file of a damaged one announces."""
    with opened(file) as source:
        reader = TrackReader(source, LIMITS)
        samples = sum(len(piece) for piece in reader.samples())
        return samples / LIMITS.sample_rate, reader.announced_s


@cache
def made(kind: str) -> bytes:
    return KINDS[kind](noise(round(SECONDS * RATE)))


@cache
def length_s(kind: str) -> float:
    return read(made(kind))[0]


@pytest.mark.parametrize(("kind", "what"), cases([*NAMED, *GUESSED], FRONT))
def test_leading_bytes_do_not_matter(kind: str, what: str) -> None:
    lost_s = 0.3 if kind in GUESSED else 0.001  # a tag that is too long hides their first frames

    got_s, announced_s = read(FRONT[what] + made(kind))

    assert got_s == pytest.approx(length_s(kind), abs=lost_s)
    assert announced_s is None


@pytest.mark.parametrize(("kind", "what"), cases([*NAMED, *GUESSED], BEHIND))
def test_trailing_bytes_do_not_matter(kind: str, what: str) -> None:
    got_s, announced_s = read(made(kind) + BEHIND[what])

    assert got_s == pytest.approx(length_s(kind), abs=0.05)
    assert announced_s is None


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "Ogg Vorbis"])
def test_a_cover_that_looks_like_audio_is_not_decoded(kind: str) -> None:
    picture = id3(cover(300) + made(kind)[:30_000])
    mp3 = made("MP3")

    assert read(picture + mp3) == read(TAG + mp3)
    assert read(picture + JUNK + mp3) == read(TAG + JUNK + mp3)


@pytest.mark.parametrize("kind", ["Ogg Vorbis", "Opus", "FLAC in Ogg"])
def test_an_ogg_cut_within_a_page_is_damaged_and_one_that_lacks_pages_is_not(
    kind: str,
) -> None:
    *rest, last = pages(made(kind))
    whole = b"".join(rest)

    assert read(whole + last[: len(last) // 2])[1] is not None
    assert read(whole + last[:10])[1] is not None
    assert read(whole)[1] is None


def picture(data: bytes) -> bytes:
    """A FLAC block with a picture that says it is of 60,000 by 60,000 points."""
    kind = b"image/png"
    said = struct.pack(">2I", 3, len(kind)) + kind + struct.pack(">5I", 0, 60_000, 60_000, 24, 0)
    body = said + struct.pack(">I", len(data)) + data
    return b"\6" + len(body).to_bytes(3, "big") + body


def with_pictures(pictures: bytes) -> bytes:
    """A FLAC with blocks of pictures."""
    song = encoded(noise(round(SECONDS * RATE)), RATE, "FLAC")
    first = song[4:42]  # the one block that must be there, not marked as the last one
    return b"fLaC" + bytes([first[0] & 0x7F]) + first[1:] + pictures + song[42:]


def test_a_picture_as_large_as_may_be_changes_nothing() -> None:
    with opened(with_pictures(picture(bytes(2**24 - 200)))) as track:
        reader = TrackReader(track, LIMITS)
        samples = sum(map(len, reader.samples()))

    assert samples == round(SECONDS * LIMITS.sample_rate)
    assert reader.announced_s is None


def test_more_pictures_than_any_file_has_are_refused() -> None:
    with (
        opened(with_pictures(200_000 * picture(b"x"))) as track,
        pytest.raises(RefusedFileError, match="its header can't be read"),
    ):
        list(TrackReader(track, LIMITS).samples())
