"""What `GET /limits` promises is kept."""

from typing import Any

import pytest

from testing.server import Server
from testing.sounds import encoded, noise
from tests.api.client import answer, assert_problem, post
from tests.api.conftest import MAX_DURATION_S, MAX_UPLOAD_BYTES, Narrow

ENCODINGS = {
    "MP3": ("MP3", None),
    "WAV": ("WAV", None),
    "FLAC": ("FLAC", None),
    "AIFF": ("AIFF", None),
    "Ogg Vorbis": ("OGG", "VORBIS"),
    "Opus": ("OGG", "OPUS"),
}


def limits(server: Server) -> dict[str, Any]:
    return answer(server.http.get("/limits"))


def test_they_follow_the_settings(narrow: Narrow) -> None:
    given = limits(narrow.server)
    assert given["max_bytes"] == MAX_UPLOAD_BYTES
    assert given["max_duration_s"] == MAX_DURATION_S
    assert given["min_duration_s"] == 0.5
    assert {format_["name"] for format_ in given["formats"]} == {*ENCODINGS, "M4A", "AAC"}


def test_a_page_need_not_ask_each_time(stub: Server) -> None:
    assert stub.http.get("/limits").headers["Cache-Control"] == "max-age=300"


@pytest.mark.parametrize("name", ENCODINGS)
def test_each_format_is_read(stub: Server, name: str) -> None:
    container, subtype = ENCODINGS[name]
    audio = encoded(noise(48_000), 48_000, container, subtype)
    assert answer(post(stub, audio, vocabulary="genres"))["suggestions"]


def test_no_other_format_is_named(stub: Server) -> None:
    assert {format_["name"] for format_ in limits(stub)["formats"]} == set(ENCODINGS)


def test_a_refusal_names_the_same_formats(stub: Server) -> None:
    detail = assert_problem(post(stub, b"no audio" * 9), 415, "unsupported_audio")["detail"]
    assert all(name in detail for name in ENCODINGS)
