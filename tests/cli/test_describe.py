"""`taggram describe`: the page and the PNGs of one track."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.services import Services
from testing.known_tracks import RATE, beats
from testing.sounds import encoded
from testing.stub_engine import load_stub_engine
from tests.cli.conftest import Refused, Taggram

pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")


@pytest.fixture(autouse=True)
def _stub_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed = partial(Services, load_engine=load_stub_engine)
    monkeypatch.setattr("app.cli.describe.Services", stubbed)


@pytest.mark.thorough  # draws 18 figures twice
def test_a_track_gets_a_page_and_pngs(taggram: Taggram, tmp_path: Path):
    song, out = tmp_path / "a <b> song.flac", tmp_path / "new" / "out"
    song.write_bytes(encoded(beats(100, 8), RATE, "FLAC"))

    result = taggram("describe", song, "--out", out)

    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out / 'index.html'}: the descriptors and figures of {song}.\n"
    page = (out / "index.html").read_text()
    assert "a &lt;b&gt; song.flac" in page
    assert "100.0 beats/min" in page
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == page.count("<svg") == 18
    assert out / "taggram.png" in pictures
    with Image.open(out / "taggram.png") as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no audio" * 100, "is not"),
        (encoded(beats(100, 4), RATE), "the track has 4.0 s; its figures need 7 s"),
    ],
    ids=["no audio", "short"],
)
def test_a_file_that_cannot_be_described_is_refused(
    refused: Refused, tmp_path: Path, content: bytes, problem: str
):
    song = tmp_path / "song.wav"
    song.write_bytes(content)

    line = refused("describe", song, "--out", tmp_path / "out")

    assert str(song) in line
    assert problem in line
    assert not (tmp_path / "out").exists()


def test_a_file_is_not_a_folder_for_the_page(refused: Refused, tmp_path: Path):
    song = tmp_path / "song.wav"
    song.write_bytes(encoded(beats(100, 8), RATE))

    assert "it is not a folder" in refused("describe", song, "--out", song)


def test_an_unknown_vocabulary_is_refused(refused: Refused, tmp_path: Path):
    song = tmp_path / "song.wav"
    song.write_bytes(encoded(np.zeros(RATE, np.float32), RATE))

    assert "alltags" in refused("describe", song, "--out", tmp_path, "--vocabulary", "moods")
