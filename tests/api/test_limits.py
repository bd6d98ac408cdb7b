"""What `GET /limits` promises is kept."""

from pathlib import Path
from typing import Any

import pytest

from testing.kinds import KINDS, RATE
from testing.server import STUB, Server, serving
from testing.sounds import noise
from tests.api.conftest import MAX_DURATION_S, MAX_POOLED_BYTES, MAX_UPLOAD_BYTES, Narrow
from tests.support.client import answer, assert_problem, post

SAMPLES = {
    "MP3": "MP3",
    "WAV": "WAV",
    "FLAC": "FLAC",
    "AIFF": "AIFF",
    "M4A": "M4A",
    "AAC": "AAC",
    "Ogg Vorbis": "Ogg Vorbis",
    "Opus": "Opus",
    "WebM": "WebM, live",
    "WMA": "WMA 2",
    "CAF": "CAF",
    "AMR": "AMR",
    "WavPack": "WavPack",
    "TTA": "TTA",
    "AU": "AU",
    "AC-3": "AC-3",
    "AVI": "AVI of MP3",
    "FLV": "FLV of AAC",
    "MPEG": "MPEG-TS of MP2",
}
"""A kind of file of each format that something here encodes."""
UNMADE = {"Monkey's Audio", "Musepack"}


def limits(server: Server) -> dict[str, Any]:
    return answer(server.http.get("/limits"))


def test_limits_follow_the_settings(narrow: Narrow) -> None:
    given = limits(narrow.server)
    assert given["max_bytes"] == MAX_UPLOAD_BYTES
    assert given["max_duration_s"] == MAX_DURATION_S
    assert given["min_duration_s"] == 0.5
    assert given["pooled"] == {"max_files": 10, "max_bytes": MAX_POOLED_BYTES}
    assert {format_["name"] for format_ in given["formats"]} == {*SAMPLES, *UNMADE}


def test_limits_can_be_cached_by_a_page(stub: Server) -> None:
    assert stub.http.get("/limits").headers["Cache-Control"] == "max-age=300"


@pytest.mark.parametrize("name", SAMPLES)
def test_each_format_is_read(stub: Server, name: str) -> None:
    audio = KINDS[SAMPLES[name]](noise(RATE))
    assert answer(post(stub, audio, vocabulary="genres"))["suggestions"]


def test_with_soundfile_alone_fewer_formats_are_listed_and_read(tmp_path: Path) -> None:
    with serving(tmp_path / "log", {"TAGGRAM_DECODERS": "soundfile"}, STUB) as alone:
        named = {format_["name"] for format_ in limits(alone)["formats"]}
        detail = assert_problem(post(alone, KINDS["M4A"](noise(RATE))), 415, "unsupported_audio")
        assert answer(post(alone, KINDS["FLAC"](noise(RATE))))["suggestions"]

    assert named == {"MP3", "WAV", "FLAC", "AIFF", "Ogg Vorbis", "Opus"}
    assert "M4A" not in detail["detail"]


def test_a_refusal_names_the_same_formats(stub: Server) -> None:
    detail = assert_problem(post(stub, b"no audio" * 9), 415, "unsupported_audio")["detail"]
    assert all(name in detail for name in SAMPLES)
