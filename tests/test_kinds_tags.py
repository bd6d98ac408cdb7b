"""The same song gets the same tags, whatever file holds it and whichever decoder reads it.

By default a few kinds; all of them in the thorough run.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from testing.kinds import DAMAGED, KINDS, NARROW, RATE
from testing.server import Server
from testing.sounds import Sound
from tests.conftest import SHARED
from tests.support.client import answer, post

CASES = SHARED / "cases" / "audio"
START_S, SECONDS = 35, 24
"""Where the first three tags are far from the fourth."""

FEW = ("FLAC", "MP3 behind junk", "M4A", "WebM, live", "Ogg, chained at two rates")


@pytest.fixture(scope="module")
def excerpt(ambient_song: Path) -> Sound:
    with soundfile.SoundFile(ambient_song) as file:
        file.seek(START_S * file.samplerate)
        samples = file.read(SECONDS * file.samplerate, "float32").mean(axis=1)
        return np.clip(soxr.resample(samples, file.samplerate, RATE), -1, 1)


def scores(server: Server, file: bytes | Path) -> dict[str, float]:
    """All scores of `raw`, the highest first."""
    body = answer(post(server, file, vocabulary="raw", model="msd-musicnn", top_k=20))
    return {suggestion["tag"]: suggestion["score"] for suggestion in body["suggestions"]}


def assert_alike(given: dict[str, float], wanted: dict[str, float]) -> None:
    """The first three are the same, unless two are as good as equal."""
    first = list(wanted)[:3]
    assert set(list(given)[:3]) == set(first)
    assert {tag: given[tag] for tag in first} == {
        tag: pytest.approx(wanted[tag], abs=0.03) for tag in first
    }


@pytest.mark.parametrize(
    "name",
    [
        name if name in FEW else pytest.param(name, marks=pytest.mark.thorough)
        for name in KINDS
        if name not in NARROW
    ],
)
def test_a_song_gets_the_same_tags_in_every_kind_of_file(
    name: str, excerpt: Sound, server: Server
) -> None:
    wanted = scores(server, KINDS["WAV"](excerpt))

    assert_alike(scores(server, KINDS[name](excerpt)), wanted)


@pytest.mark.thorough
@pytest.mark.parametrize("name", DAMAGED)
def test_the_decodable_part_of_a_damaged_file_is_tagged(
    name: str, excerpt: Sound, server: Server
) -> None:
    assert scores(server, DAMAGED[name](excerpt))


@pytest.mark.thorough
@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases of others are at {CASES}")
def test_reported_files_get_the_tags_of_their_song(server: Server) -> None:
    wanted = scores(server, CASES / "wav-bw64.wav")
    files = sorted(path for path in CASES.iterdir() if path.suffix != ".md")
    unlike = {
        path.name: list(given)[:3]
        for path in files
        if set(list(given := scores(server, path))[:3]) != set(list(wanted)[:3])
    }

    assert not unlike
