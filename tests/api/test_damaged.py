"""The decodable part of a damaged file is tagged, and the answer says so."""

from pathlib import Path

import pytest

from testing.kinds import DAMAGED, KINDS, RATE
from testing.server import Server
from testing.sounds import noise
from tests.support.client import answer, assert_problem, post

SECONDS = 4.0


def damaged(name: str, seed: int = 1) -> bytes:
    return DAMAGED[name](noise(round(SECONDS * RATE), seed))


@pytest.mark.parametrize("name", ["MP3 cut short", "FLAC with a hole"])
def test_the_answer_shows_the_decoded_and_the_announced_duration(stub: Server, name: str) -> None:
    body = answer(post(stub, damaged(name), vocabulary="genres"))

    assert body["damaged"] is True
    assert body["suggestions"]
    assert 1 < body["duration_s"] < body["announced_s"] == pytest.approx(SECONDS, abs=0.1)


def test_a_cached_answer_and_the_taggram_show_them_too(stub: Server) -> None:
    file = damaged("WAV cut short", seed=2)
    first = answer(post(stub, file, vocabulary="genres"))
    again = answer(post(stub, file, vocabulary="genres"))
    taggram = answer(stub.http.get(first["taggram_url"]))

    assert again == {**first, "cached": True}
    assert taggram["damaged"] is True
    assert taggram["announced_s"] == first["announced_s"] == pytest.approx(SECONDS, abs=0.1)


def test_an_intact_file_is_not_marked_damaged(stub: Server) -> None:
    body = answer(post(stub, KINDS["MP3"](noise(round(SECONDS * RATE), 3)), vocabulary="genres"))

    assert (body["damaged"], body["announced_s"]) == (False, None)


def test_a_file_with_too_little_audio_is_undecodable(stub: Server) -> None:
    whole = KINDS["WAV"](noise(round(SECONDS * RATE), 4))

    problem = assert_problem(post(stub, whole[: len(whole) // 12]), 422, "undecodable_audio")

    assert "0.33 s of 4.00 s" in problem["detail"]


def test_no_message_of_ffmpeg_reaches_a_client_or_the_log(stub: Server) -> None:
    logged = Path(stub.log).stat().st_size
    texts = [post(stub, damaged(name, seed)).text for seed, name in enumerate(DAMAGED, start=10)]
    texts.append(post(stub, b"\0\0\0\x14ftypM4A " + bytes(2_000)).text)
    texts.append(Path(stub.log).read_bytes()[logged:].decode())

    for word in ("ffmpeg", "libav", "Invalid data", "moov atom", "Errno", "<none>"):
        assert not any(word in text for text in texts), word
