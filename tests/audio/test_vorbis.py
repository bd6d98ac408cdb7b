import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from app.audio import ogg
from app.audio.vorbis import MAX_VALUES, check_setup
from app.errors import Kind, RequestError
from testing.sounds import encoded, noise, opened
from testing.vorbis import Fields, crashing_vorbis, equal_words, oversized_vorbis, vorbis_with
from tests.audio.asking import refusal
from tests.conftest import REPOSITORY

HEAD: Fields = [(0x564342, 24)]
NO_LOOKUP: Fields = [(0, 4)]
SETUP = list(ogg.packets(io.BytesIO(encoded(noise(9_600), 16_000, "OGG"))))[2]


def check(file: Path | bytes) -> None:
    with opened(file) as source:
        ogg.check_headers(source)


def refusal_of(codebooks: Fields, count: int = 1) -> RequestError:
    with pytest.raises(RequestError) as refused:
        check(vorbis_with(codebooks, count))
    return refused.value


def test_every_real_file_passes(song: Path):
    files = sorted((REPOSITORY / ".cache" / "audio").rglob("*.ogg"))

    assert song in files
    for path in files:
        check(path)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_every_encoder_that_libsndfile_has_passes(rate: int, channels: int, tmp_path: Path):
    sound = np.stack([noise(rate // 4)] * channels, axis=1)
    path = tmp_path / "upload"
    for quality in (0.0, 0.5, 1.0):
        soundfile.write(path, sound, rate, format="OGG", compression_level=quality)
        check(path)


@pytest.mark.parametrize("bomb", [crashing_vorbis, oversized_vorbis])
def test_what_would_take_gigabytes_or_crash_is_refused_before_it_is_opened(
    bomb: Callable[[], bytes],
):
    assert refusal(bomb()).kind is Kind.UNDECODABLE_AUDIO


def lengths_one_by_one(words: int) -> Fields:
    return [(1, 16), (words, 24), (0, 1), (0, 1), *[(3, 5)] * words]


def lengths_of_the_used(words: int) -> Fields:
    used = [(1, 1), (3, 5)]
    return [(1, 16), (words, 24), (0, 1), (1, 1), *[*used, (0, 1)] * (words // 2)]


def lookup(kind: int, values: int) -> Fields:
    return [(kind, 4), (0, 32), (0, 32), (6, 4), (0, 1), *[(5, 7)] * values]


@pytest.mark.parametrize(
    "book",
    [
        [*lengths_one_by_one(16), *NO_LOOKUP],
        [*lengths_of_the_used(16), *NO_LOOKUP],
        [(1, 16), *equal_words(4), *NO_LOOKUP],
        [(2, 16), *equal_words(4), *lookup(1, values=4)],
        [(3, 16), *equal_words(4), *lookup(1, values=2)],
        [(3, 16), *equal_words(4), *lookup(2, values=48)],
    ],
    ids=["one by one", "of the used", "ordered", "square", "cube", "all values"],
)
def test_every_form_of_codebook_is_read_to_its_very_end(book: Fields):
    two = [*HEAD, *book, *HEAD, *book]

    check(vorbis_with(two, count=2))

    # One bit off, and the second would not be found.
    assert "codebooks" in refusal_of([*HEAD, *book, (0, 1), *HEAD, *book], count=2).detail


@pytest.mark.parametrize(
    "book",
    [
        [(1, 16), *equal_words(18), *NO_LOOKUP],
        [(MAX_VALUES // 64 + 1, 16), *equal_words(6), *NO_LOOKUP],
        [(0, 16), *equal_words(4), *lookup(1, values=1)],
        [(1, 16), (16, 24), (1, 1), (31, 5), (0, 5), (0, 5)],
        [(1, 16), (60_000, 24), (0, 1), (0, 1)],
    ],
    ids=["words", "values", "no dimensions", "no end of lengths", "breaks off"],
)
def test_codebooks_beyond_the_bounds_or_all_reason_are_undecodable(book: Fields):
    assert refusal_of([*HEAD, *book]).kind is Kind.UNDECODABLE_AUDIO


def test_codebooks_that_are_too_much_only_together_are_undecodable():
    book = [*HEAD, (1, 16), *equal_words(16), *NO_LOOKUP]

    check(vorbis_with(book * 2, count=2))

    assert refusal_of(book * 3, count=3).kind is Kind.UNDECODABLE_AUDIO


PLACES = st.one_of(st.integers(7, 60), st.integers(7, len(SETUP) - 1))


@given(
    damage=st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=8),
    length=st.one_of(st.just(len(SETUP)), st.integers(0, len(SETUP))),
)
def test_damaged_codebooks_pass_or_are_refused(damage: list[tuple[int, int]], length: int):
    packet = bytearray(SETUP)
    for place, byte in damage:
        packet[place] = byte

    passes_or_is_refused(bytes(packet[:length]))


@given(rest=st.binary(max_size=500))
def test_any_codebooks_pass_or_are_refused(rest: bytes):
    passes_or_is_refused(b"\x05vorbis\x00BCV" + rest)


def passes_or_is_refused(packet: bytes) -> None:
    with suppress(RequestError):
        check_setup(packet)
