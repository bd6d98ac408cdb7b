"""`taggram explain`: which moments a network attended to, in words and as a picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from testing.random_models import publish_random, sounds
from testing.sounds import encoded
from tests.cli.conftest import Refused, Taggram

SMALL = {"channels": 2, "dimension": 32}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one model."""
    folder = tmp_path_factory.mktemp("attentive")
    publish_random(Store(folder), "cnnsa_musicnn", "attentive", SMALL)
    return folder


@pytest.fixture
def song(store: Path, tmp_path: Path) -> Path:
    """Three windows of the model."""
    manifest = read_store(Store(store))["attentive"]
    length = manifest.front_end.samples(3 * manifest.window.frames)
    samples = np.clip(sounds(manifest.window_spec)[:4].ravel()[:length], -1, 1)
    path = tmp_path / "song.wav"
    path.write_bytes(encoded(samples, manifest.front_end.sample_rate))
    return path


def test_the_command_prints_a_line_for_each_window_and_draws(
    taggram: Taggram, store: Path, song: Path, tmp_path: Path
):
    result = taggram(
        *("explain", song, "--model", "attentive", "--store", store),
        *("--out", tmp_path / "song.png"),
    )

    first, second, third, last = result.stdout.splitlines()
    assert first.startswith("0:00.00 to 0:04.10: tag ")
    assert "; attended to 0:0" in first
    assert second.startswith("0:04.10 to 0:08.19: tag ")
    assert third.count("x even)") <= 3
    assert last == f"{tmp_path / 'song.png'}: attention over the taggram."
    with Image.open(tmp_path / "song.png") as picture:
        assert picture.format == "PNG"


def test_a_file_that_is_no_audio_is_refused(refused: Refused, store: Path, song: Path):
    song.write_bytes(b"no audio" * 100)

    line = refused("explain", song, "--model", "attentive", "--store", store)

    assert str(song) in line
