import io

import pytest

from app.audio.ogg import PIECE_BYTES, check_alone, check_headers, packets
from app.errors import Kind, RequestError
from testing.corpus.ogg import opus_head
from testing.ogg_pages import CONTINUED, FIRST, laced_page, page
from testing.sounds import encoded, noise
from testing.vorbis import equal_words, vorbis_with

VORBIS = encoded(noise(9_600), 16_000, "OGG")
OPUS = encoded(noise(9_600), 16_000, "OGG", "OPUS")
SMALL_BOOK = [(0x564342, 24), (1, 16), *equal_words(4), (0, 4)]


def refusal(file: bytes) -> RequestError:
    with pytest.raises(RequestError) as refused:
        check_headers(io.BytesIO(file))
    return refused.value


@pytest.mark.parametrize("lengths", [[1, 2], [0, 254], [255], [510, 255, 0], [3], [5, 40_000, 7]])
def test_packets_are_those_that_were_written(lengths: list[int]):
    written = [bytes([number]) * length for number, length in enumerate(lengths)]

    assert list(packets(io.BytesIO(page(written, flags=FIRST)))) == written


def test_a_packet_may_go_over_many_pages():
    begins = laced_page(b"\xff" * 3, b"x" * 765, flags=FIRST)
    goes_on = laced_page(b"\xff", b"x" * 255, 1, flags=CONTINUED)
    ends = laced_page(b"\x03\x04", b"endnext", 2, flags=CONTINUED)

    read = list(packets(io.BytesIO(begins + goes_on + ends)))

    assert read == [b"x" * 1_020 + b"end", b"next"]


@pytest.mark.parametrize("file", [VORBIS, OPUS, vorbis_with(SMALL_BOOK)])
def test_sound_files_pass(file: bytes):
    check_headers(io.BytesIO(file))


@pytest.mark.parametrize(
    "first",
    [
        b"\x80theora\x03\x02\x01",
        b"\x7fFLAC\x01\0\0\x01fLaC",
        b"Speex   1.2",
        b"fishead\0",
        b"",
        b"x",
    ],
)
def test_other_codecs_are_unsupported(first: bytes):
    error = refusal(page([first], flags=FIRST) + VORBIS)

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert "FLAC" in error.detail, "it must say what to send instead"


@pytest.mark.parametrize(
    "file", [vorbis_with(SMALL_BOOK, channels=9), page([opus_head(255)], flags=FIRST)]
)
def test_too_many_channels_are_unsupported(file: bytes):
    assert refusal(file).kind is Kind.UNSUPPORTED_AUDIO


IDENTITY, COMMENT, SETUP, _ = packets(io.BytesIO(vorbis_with(SMALL_BOOK)))
FIRST_PAGE = page([IDENTITY], flags=FIRST)
REST = [COMMENT, SETUP]
REST_LACING = bytes([len(COMMENT), len(SETUP)])

DAMAGED = {
    "a bit flipped in a page": VORBIS[:70] + bytes([VORBIS[70] ^ 1]) + VORBIS[71:],
    "a page of another version": FIRST_PAGE
    + laced_page(REST_LACING, COMMENT + SETUP, 1, version=1),
    "something between two pages": FIRST_PAGE + b"x" + page(REST, 1),
    "a page missing": FIRST_PAGE + page(REST, 2),
    "a page twice": FIRST_PAGE + page(REST, flags=FIRST),
    "a page of another stream": FIRST_PAGE + page(REST, 1, serial=9),
    "a page that goes on with nothing": FIRST_PAGE + page(REST, 1, flags=CONTINUED),
    "a page that does not go on": FIRST_PAGE
    + laced_page(b"\xff", COMMENT.ljust(255), 1)
    + page([b"", SETUP], 2),
    "no setup": FIRST_PAGE + page([COMMENT], 1),
    "cut in its setup": VORBIS[:2_000],
    "cut in the head of a page": VORBIS[:70],
}


def test_the_pages_that_are_damaged_were_sound():
    check_headers(io.BytesIO(FIRST_PAGE + page(REST, 1)))
    check_headers(io.BytesIO(FIRST_PAGE + laced_page(REST_LACING, COMMENT + SETUP, 1)))


@pytest.mark.parametrize("file", DAMAGED.values(), ids=DAMAGED)
def test_headers_that_libogg_would_mend_are_undecodable(file: bytes):
    assert refusal(file).kind is Kind.UNDECODABLE_AUDIO


@pytest.mark.parametrize("file", [VORBIS, OPUS])
def test_one_stream_is_alone(file: bytes):
    check_alone(io.BytesIO(file))


@pytest.mark.parametrize("place", [len(VORBIS), *range(PIECE_BYTES - 3, PIECE_BYTES + 3)])
def test_a_second_stream_behind_it_is_undecodable(place: int):
    with pytest.raises(RequestError, match="two files in one") as refused:
        check_alone(io.BytesIO(VORBIS.ljust(place, b"\0") + OPUS))

    assert refused.value.kind is Kind.UNDECODABLE_AUDIO
