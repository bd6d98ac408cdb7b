"""`taggram feedback` as the data team runs it, and `taggram serve` with a wrong file."""

import asyncio
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from testing.server import COMMAND
from tests.feedback.giving import feedback, keep

Result = subprocess.CompletedProcess[str]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with what two artists said."""
    path = tmp_path / "feedback.sqlite"
    unlike = feedback((("ambient", False),), ("[bold]mine",))
    asyncio.run(keep(path, feedback(), unlike))
    return path


def run(*arguments: str | Path, **settings: str) -> Result:
    environment = {**os.environ, "COLUMNS": "120", **settings}
    command = [COMMAND, *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def taggram(*arguments: str | Path, **settings: str) -> Result:
    return run("feedback", *arguments, **settings)


def assert_one_line(result: Result, *words: str) -> None:
    line = " ".join(result.stderr.split())
    assert [word for word in words if word not in line] == []
    assert "Traceback" not in line
    assert (result.returncode, result.stdout) == (1, "")


@pytest.mark.parametrize("ending", ["parquet", "csv", "CSV"])
def test_all_of_it_is_written_as_a_table(ending: str, kept: Path, tmp_path: Path) -> None:
    target = tmp_path / f"table.{ending}"
    written = taggram("export", "--file", kept, target)
    assert (written.returncode, written.stdout) == (0, f"{target}: 5 rows\n")
    if ending == "parquet":
        assert pq.read_table(target)["tag"].to_pylist()[-1] == "[bold]mine"
    else:
        assert len(target.read_text().splitlines()) == 6


def test_the_service_s_setting_names_the_file(kept: Path, tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    assert taggram("export", target, TAGGRAM_FEEDBACK_FILE=str(kept)).returncode == 0
    assert target.exists()


def test_a_table_that_is_there_is_written_over_only_by_force(kept: Path, tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("yesterday's")
    assert_one_line(taggram("export", "--file", kept, target), "exists", "--force")
    assert target.read_text() == "yesterday's"
    assert taggram("export", "--file", kept, target, "--force").returncode == 0
    assert target.read_text().startswith('"feedback_id"')


def test_acceptance_is_shown_at_each_k(kept: Path) -> None:
    shown = taggram("acceptance", "--file", kept)
    lines = [line.replace("│", " ").split() for line in shown.stdout.splitlines()]
    models = ["msd-musicnn/1", "mtt-musicnn/2"]
    assert ["subgenres", *models, "1", "2", "1", "0.500"] in lines
    assert ["subgenres", *models, "2", "3", "1", "0.333"] in lines


@pytest.mark.parametrize("command", ["export", "acceptance"])
def test_without_a_file_or_with_a_wrong_one_it_says_so(command: str, tmp_path: Path) -> None:
    arguments = [command, tmp_path / "table.csv"] if command == "export" else [command]
    assert_one_line(taggram(*arguments), "--file", "TAGGRAM_FEEDBACK_FILE")
    assert_one_line(taggram(*arguments, "--file", tmp_path / "none"), "No such file")
    (tmp_path / "song.flac").write_bytes(b"fLaC" * 500)
    assert_one_line(taggram(*arguments, "--file", tmp_path / "song.flac"), "not a database")
    assert not (tmp_path / "table.csv").exists()


def someone_elses(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


UNFIT = {
    "in a folder that is missing": (lambda path: None, "missing/feedback", "No such file"),
    "a folder": (Path.mkdir, "feedback", "unable to open"),
    "no SQLite": (lambda path: path.write_bytes(b"fLaC" * 500), "feedback", "not a database"),
    "someone else's": (someone_elses, "feedback", "something else"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_the_service_does_not_start_with_a_file_that_is(what: str, tmp_path: Path) -> None:
    make, name, words = UNFIT[what]
    path = tmp_path / name
    make(path)
    ended = run("serve", "--port", "0", TAGGRAM_FEEDBACK_FILE=str(path))
    assert_one_line(ended, str(path), words)
    assert len(ended.stderr.splitlines()) == 1
