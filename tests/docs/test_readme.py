"""The README is short, and its answer is that of the service."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from app.store.registry.golden import BF16_TOLERANCE
from testing.server import Server
from tests.conftest import REPOSITORY
from tests.docs.pages import GUIDES, README, block, command_lines

MAX_LINES = 150
MAX_PICTURE_BYTES = 300_000
PNG = b"\x89PNG\r\n\x1a\n"

TEXT = README.read_text()


def _scores(answer: dict[str, Any]) -> dict[str, float]:
    return {suggestion["tag"]: suggestion["score"] for suggestion in answer["suggestions"]}


def _words(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["tag"], each["label"], each["level"]) for each in answer["suggestions"]]


def test_the_documented_answer_is_the_real_one(server: Server, ambient_song: Path) -> None:
    url = shlex.split(block(TEXT, "sh", "curl"))[-1]
    shown = json.loads(block(TEXT, "json", "suggestions"))
    with ambient_song.open("rb") as file:
        given = server.http.post(url.partition("8000")[2], files={"file": file}).json()
    assert given.keys() == shown.keys()
    assert given["track_id"] == shown["track_id"]
    assert given["confidence"] == shown["confidence"]
    assert _words(given) == _words(shown)
    assert _scores(given) == pytest.approx(_scores(shown), abs=BF16_TOLERANCE)


def test_other_pages_show_the_request_tested_here() -> None:
    [tried] = [line for line in command_lines(TEXT) if line.startswith("curl")]
    shown = [line for page in GUIDES for line in command_lines(page.read_text())]
    assert {line for line in shown if line.startswith("curl")} == {tried}


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= MAX_LINES


def test_the_pictures_are_small_png_files() -> None:
    pictures = [path.read_bytes() for path in (REPOSITORY / "docs" / "images").iterdir()]
    assert all(picture.startswith(PNG) for picture in pictures)
    assert 0 < sum(map(len, pictures)) < MAX_PICTURE_BYTES
