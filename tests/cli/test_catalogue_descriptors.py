"""`taggram catalogue tag --descriptors`, with stubs in the place of networks."""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from app.services import Services
from testing.known_tracks import RATE, beats
from testing.sounds import encoded
from testing.stub_engine import load_stub_engine
from tests.cli.conftest import Taggram

pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")


@pytest.fixture(autouse=True)
def _stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed = partial(Services, load_engine=load_stub_engine)
    monkeypatch.setattr("app.cli.catalogue.tag.Services", stubbed)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A beat of 100 under two names, a tone, and a file that is not audio."""
    folder = tmp_path / "music"
    folder.mkdir()
    for name in ("beat", "again"):
        (folder / f"{name}.wav").write_bytes(encoded(beats(100, 8), RATE))
    tone = 0.1 * np.sin(np.arange(8 * RATE) / 5)
    (folder / "tone.flac").write_bytes(encoded(tone.astype(np.float32), RATE, "FLAC"))
    (folder / "notes.mp3").write_text("This is a shopping list.\n")
    return folder


def test_descriptors_are_added_once_and_later_too(music: Path, taggram: Taggram) -> None:
    tagging = ("catalogue", "tag", music, "--out", "out", "--models", "msd-musicnn")
    tagging += ("--max-failed-share", "0.5")

    plain = taggram(*tagging)
    assert not Path("out/descriptors").exists()
    described = taggram(*tagging, "--descriptors")
    again = taggram(*tagging, "--descriptors")

    assert plain.exit_code == described.exit_code == again.exit_code == 0, described.output
    assert "measured" not in plain.stdout
    assert "3 tagged before" in described.stdout
    assert "descriptors: 2 tracks measured, 1 identical to others, 0 failed" in described.stdout
    assert "descriptors: 0 tracks measured, 0 identical to others, 0 failed" in again.stdout
    table = pq.read_table("out/descriptors")
    rows = {row["external_id"]: row for row in table.to_pylist()}
    assert set(rows) == {"beat.wav", "again.wav", "tone.flac"}
    assert table.num_rows == 3
    assert rows["beat.wav"]["tempo_bpm"] == pytest.approx(100, rel=0.01)
    assert rows["beat.wav"]["track_id"] == rows["again.wav"]["track_id"]
    assert rows["again.wav"]["loudness_lufs"] == rows["beat.wav"]["loudness_lufs"]
    assert rows["tone.flac"]["tempo_bpm"] is None
    assert rows["tone.flac"]["centroid_hz_mean"] == pytest.approx(RATE / 5 / 2 / np.pi, rel=0.03)
    assert len(rows["tone.flac"]["contrast_db_std"]) == 7
    tracks = pq.read_table("out/tracks/msd-musicnn").to_pylist()
    assert {row["track_id"] for row in rows.values()} < {row["track_id"] for row in tracks}
