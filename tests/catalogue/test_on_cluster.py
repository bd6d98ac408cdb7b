"""Runs on a Ray cluster of two nodes: nodes, processes and the whole run die, no row is lost."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from app.catalogue.storage import open_storage
from app.cli.descriptor_decoder import make_descriptor_decoder
from app.settings import Settings
from testing.known_tracks import RATE, beats
from testing.sounds import encoded
from testing.waiting import wait_for
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import StubAnalyser, tag
from tests.catalogue.stub_cluster import MODEL, PATIENCE_S, LoggingAnalyser, count_rows

pytestmark = pytest.mark.thorough

APART = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Ray accepts connections on all addresses, and its processes must end with the test."""

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}

TRACKS = 60
KILL_AFTER = 10

Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begin runs; a run that a test leaves is killed."""
    if subprocess.run([*APART, "true"], check=False, capture_output=True).returncode:
        pytest.skip("namespaces are not permitted here")
    # Ray finds a cluster by a file in its folder, and its sockets need short names.
    folder = Path(tempfile.mkdtemp(prefix="ray"))
    running: list[subprocess.Popen[str]] = []

    def start(source: Path, out: Path, *more: str) -> subprocess.Popen[str]:
        command = [*APART, sys.executable, "-m", "tests.catalogue.stub_cluster"]
        files = [str(source), str(out), str(tmp_path / "log"), *more]
        process = subprocess.Popen(
            [*command, *files],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAY_TMPDIR": str(folder), **TOKEN},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def source(music: Music) -> Path:
    """Sixty tracks, three of which are identical, and one is refused."""
    tracks = {f"track{number:02}": f"track {number}" for number in range(TRACKS - 4)}
    return music(**tracks, quiet="silent", a_same="same", m_same="same", z_same="same")


def finish(process: subprocess.Popen[str]) -> dict[str, object]:
    printed, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    summary: dict[str, object] = json.loads(printed.splitlines()[-1])  # after messages of Ray
    return summary


def rows_of(out: Path) -> dict[str, tuple[object, ...]]:
    """Read the rows, by external id; each id has one."""
    table = ds.dataset(out / "tracks" / MODEL.ref.name / MODEL.ref.version).to_table()
    columns = ["track_id", "status", "detail", "duration_s", "scores"]
    rows = {row["external_id"]: tuple(map(row.get, columns)) for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    return rows


def test_a_node_that_dies_loses_no_rows(begin: Begin, source: Path, tmp_path: Path) -> None:
    tag(source, tmp_path / "one", LoggingAnalyser(tmp_path / "log"), (MODEL,))
    expected = rows_of(tmp_path / "one")
    (tmp_path / "log").unlink()
    (source / "bad.mp3").write_text("kills")

    summary = finish(begin(source, tmp_path / "two", str(KILL_AFTER)))

    rows = rows_of(tmp_path / "two")
    assert rows.pop("bad.mp3")[1] == "decoder_died"
    assert rows == expected
    assert summary["failures"] == {"silent_audio": 1, "decoder_died": 1}
    assert summary["inferred"] + summary["shared"] + summary["known"] == TRACKS - 1


def test_a_run_that_is_killed_continues(begin: Begin, source: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    process = begin(source, out)
    wait_for(lambda: count_rows(out) >= KILL_AFTER, "some rows", PATIENCE_S)
    process.kill()
    process.communicate()
    kept = set(rows_of(out))
    first = Counter(log.read_text().splitlines())

    summary = finish(begin(source, out))

    again = Counter(log.read_text().splitlines()) - first
    assert summary["known"] + summary["failures"]["silent_audio"] >= len(kept - {"quiet.mp3"})
    assert len(rows_of(out)) == TRACKS
    assert max(again.values()) == 1
    assert not {(source / name).read_text() for name in kept} & set(again)


def test_descriptors_are_those_of_one_machine(begin: Begin, tmp_path: Path) -> None:
    pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")
    source = tmp_path / "songs"
    source.mkdir()
    for bpm in range(90, 150, 10):
        (source / f"{bpm}.wav").write_bytes(encoded(beats(bpm, 4), RATE))
    (source / "again.wav").write_bytes((source / "90.wav").read_bytes())
    expected = describe_here(source, tmp_path / "one")

    described = finish(begin(source, tmp_path / "two", "descriptors"))["described"]

    assert descriptors_of(tmp_path / "two") == expected
    assert len(expected) == described["inferred"] + described["shared"] == 7


def describe_here(source: Path, out: Path) -> dict[str, dict[str, object]]:
    """Measure the tracks of a folder on one machine; return the rows."""
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.descriptor_table import DescriptorIndex, DescriptorTable

    table = DescriptorTable(open_storage(out), DescriptorIndex(str(out)))
    describer = TrackDescriber(make_descriptor_decoder(Settings(), 1), table, 1)
    tag(source, out, StubAnalyser(), (MODEL,), describer=describer)
    return descriptors_of(out)


def descriptors_of(out: Path) -> dict[str, dict[str, object]]:
    """Read the descriptors without their times, by external id; each id has one row."""
    table = ds.dataset(out / "descriptors").to_table().drop_columns(["described_at"])
    rows = {row["external_id"]: row for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    return rows
