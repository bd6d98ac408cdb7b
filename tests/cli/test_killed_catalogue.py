"""SIGKILL of `taggram catalogue tag`, a real process with stubs in the place of networks."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from app.services import Services
from testing.sounds import noise
from testing.stub_engine import load_stub_engine
from testing.waiting import wait_for
from tests.cli.conftest import Taggram

TRACKS = 12
BATCH = 3

RUN = f"""
from functools import partial
import app.catalogue.results, app.cli.catalogue.tag
from app.cli.commands import app as command
from app.services import Services
from testing.stub_engine import load_stub_engine
app.catalogue.results.BATCH_ROWS = {BATCH}
app.cli.catalogue.tag.Services = partial(Services, load_engine=load_stub_engine)
command()
"""


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Short tracks, each with its own noise."""
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(TRACKS):
        soundfile.write(folder / f"{number:02}.flac", noise(16_000, number), 16_000)
    return folder


def batch_files(out: Path) -> list[Path]:
    """List the files of batches."""
    return list((out / "tracks").rglob("*.parquet"))


@pytest.mark.parametrize(
    "batches",
    [
        1,
        *(pytest.param(number, marks=pytest.mark.thorough) for number in (0, 2, 3)),
    ],
)
def test_a_killed_run_is_continued(
    music: Path,
    tmp_path: Path,
    taggram: Taggram,
    monkeypatch: pytest.MonkeyPatch,
    batches: int,
) -> None:
    out = tmp_path / "out"
    is_due: Callable[[], bool] = {0: (out / ".lock").exists}.get(
        batches, lambda: len(batch_files(out)) >= batches
    )
    arguments = ["catalogue", "tag", str(music), "--out", str(out), "--models", "msd-musicnn"]
    with subprocess.Popen([sys.executable, "-c", RUN, *arguments]) as process:
        wait_for(is_due, "the moment of the kill")
        process.kill()
    kept = sum(pq.ParquetFile(path).metadata.num_rows for path in batch_files(out))
    monkeypatch.setattr(
        "app.cli.catalogue.tag.Services", partial(Services, load_engine=load_stub_engine)
    )

    result = taggram(*arguments)

    assert result.exit_code == 0, result.output
    assert kept >= batches * BATCH
    assert f"{TRACKS - kept} tracks tagged, 0 identical to others, {kept} tagged" in result.stdout
    (tracks,) = (out / "tracks" / "msd-musicnn").iterdir()
    ids = [row["external_id"] for row in pq.read_table(tracks).to_pylist()]
    assert sorted(ids) == [f"{number:02}.flac" for number in range(TRACKS)]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["models"][0]["tracks"] == {"ok": TRACKS}
