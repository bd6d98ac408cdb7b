"""Signals that end `taggram catalogue tag`, a real process with stubs in the place of networks."""

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from app.services import Services
from testing.sounds import noise
from testing.stub_engine import load_stub_engine
from tests.cli.conftest import Taggram

TRACKS = 12
BATCH = 3
BATCHES = TRACKS // BATCH

MOMENTS = [(file, when) for file in range(1, BATCHES + 2) for when in ("before", "after")]
"""Before and after each file gets its name: the batches, and the manifest."""

INTERRUPTED = 130
"""The status of a command after Ctrl-C."""

RUN = f"""
import os, pathlib, signal, sys
from functools import partial
import app.catalogue.results, app.cli.catalogue.tag
from app.cli.commands import app as command
from app.services import Services
from testing.stub_engine import load_stub_engine

sends, last, when = int(sys.argv.pop()), int(sys.argv.pop()), sys.argv.pop()
calls = 0

def counted(real):
    def call(*arguments):
        global calls
        calls += 1
        if (calls, when) == (last, "before"):
            os.kill(os.getpid(), sends)
        answer = real(*arguments)
        if (calls, when) == (last, "after"):
            os.kill(os.getpid(), sends)
        return answer
    return call

if sends == signal.SIGKILL:
    app.catalogue.results.BATCH_ROWS = {BATCH}
    pathlib.Path.replace = counted(pathlib.Path.replace)
else:
    app.catalogue.results.ModelResults.add = counted(app.catalogue.results.ModelResults.add)
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


def rows_in(out: Path) -> list[str]:
    """Return the ids of all rows."""
    paths = (out / "tracks").rglob("*.parquet")
    return [id_ for path in paths for id_ in pq.read_table(path)["external_id"].to_pylist()]


def arguments(music: Path, out: Path) -> list[str]:
    return ["catalogue", "tag", str(music), "--out", str(out), "--models", "msd-musicnn"]


def run_until(music: Path, out: Path, sends: int, call: int, when: str) -> int:
    """Run it until it sends a signal to itself; return its status."""
    signals = [when, str(call), str(int(sends))]
    # One worker: while it writes a batch, no other adds rows to the next one.
    command = [sys.executable, "-c", RUN, *arguments(music, out), "--workers", "1", *signals]
    return subprocess.run(command, check=False).returncode


def check_continues(
    music: Path, out: Path, taggram: Taggram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a second run does what is missing, and no more."""
    kept = len(rows_in(out))
    stubbed = partial(Services, load_engine=load_stub_engine)
    monkeypatch.setattr("app.cli.catalogue.tag.Services", stubbed)

    result = taggram(*arguments(music, out))

    assert result.exit_code == 0, result.output
    assert f"{TRACKS - kept} tracks tagged, 0 identical to others, {kept} tagged" in result.stdout
    assert sorted(rows_in(out)) == [f"{number:02}.flac" for number in range(TRACKS)]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["models"][0]["tracks"] == {"ok": TRACKS}
    assert not [path for path in out.rglob("*") if "part" in path.name]


@pytest.mark.parametrize(
    ("file", "when"),
    [
        pytest.param(*moment, marks=[] if moment == (2, "before") else [pytest.mark.thorough])
        for moment in MOMENTS
    ],
)
def test_a_killed_run_is_continued(
    music: Path,
    tmp_path: Path,
    taggram: Taggram,
    monkeypatch: pytest.MonkeyPatch,
    file: int,
    when: str,
) -> None:
    out = tmp_path / "out"

    assert run_until(music, out, signal.SIGKILL, file, when) == -signal.SIGKILL

    written = file - 1 if when == "before" else file
    assert len(rows_in(out)) == min(written * BATCH, TRACKS)
    check_continues(music, out, taggram, monkeypatch)


@pytest.mark.thorough
def test_a_terminated_run_keeps_all_that_it_tagged(
    music: Path, tmp_path: Path, taggram: Taggram, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    assert run_until(music, out, signal.SIGTERM, 5, "after") == INTERRUPTED

    assert len(rows_in(out)) >= 5
    check_continues(music, out, taggram, monkeypatch)
