"""What `GET /limits` promises is kept."""

from pathlib import Path
from typing import Any

import pytest

from testing.server import Server, serving
from tests.api.asking import answer, assert_problem, encoded, noise, post
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
    told = limits(narrow.server)
    assert told["max_bytes"] == MAX_UPLOAD_BYTES
    assert told["max_duration_s"] == MAX_DURATION_S
    assert told["min_duration_s"] == 0.5


def test_a_page_need_not_ask_each_time(server: Server) -> None:
    assert server.http.get("/limits").headers["Cache-Control"] == "max-age=300"


@pytest.mark.parametrize("name", ENCODINGS)
def test_each_format_is_read(server: Server, name: str) -> None:
    container, subtype = ENCODINGS[name]
    audio = encoded(noise(1, 48_000), 48_000, container, subtype)
    assert answer(post(server, audio, vocabulary="genres"))["suggestions"]


def test_no_other_format_is_named(server: Server) -> None:
    assert {format_["name"] for format_ in limits(server)["formats"]} == set(ENCODINGS)


def test_a_refusal_names_the_same_formats(server: Server) -> None:
    detail = assert_problem(post(server, b"no audio" * 9), 415, "unsupported_audio")["detail"]
    assert all(name in detail for name in ENCODINGS)


def test_m4a_is_named_where_it_is_read(tmp_path: Path) -> None:
    settings = {"TAGGRAM_MODELS": '["msd-musicnn"]', "TAGGRAM_ACCEPT_M4A": "true"}
    with serving(tmp_path / "log", settings) as server:
        names = {format_["name"] for format_ in limits(server)["formats"]}
    assert names == {*ENCODINGS, "M4A", "AAC"}
