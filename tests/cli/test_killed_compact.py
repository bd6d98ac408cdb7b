"""SIGKILL of `taggram catalogue compact`, a real process."""

import subprocess
import sys
from pathlib import Path

import pytest

from testing.waiting import wait_for
from tests.catalogue.rows import all_rows, files_of, ids_of, row, write
from tests.cli.conftest import Taggram

FILES = 60

RUN = """
import app.catalogue.compact
from app.cli.commands import app as command
app.catalogue.compact.TARGET_ROWS = 10
command()
"""


@pytest.mark.thorough
@pytest.mark.parametrize("removed", [1, 20, 45])
def test_a_killed_compaction_loses_nothing_and_the_next_removes_what_it_doubled(
    tmp_path: Path, taggram: Taggram, removed: int
) -> None:
    out = tmp_path / "catalogue"
    for number in range(FILES):
        write(out, row(f"{number:03}"), row("same", minute=number))
    before = set(files_of(out))
    with subprocess.Popen([sys.executable, "-c", RUN, "catalogue", "compact", str(out)]) as process:
        wait_for(lambda: len(before - set(files_of(out))) >= removed, "files that are removed")
        process.kill()
    expected = sorted([*(f"{number:03}" for number in range(FILES)), "same"])
    assert set(ids_of(out)) == set(expected)

    assert taggram("catalogue", "compact", out).exit_code == 0

    assert ids_of(out) == expected
    assert len(files_of(out)) == 1
    assert not [path for path in out.rglob(".*") if path.name != ".lock"]
    (same,) = (each for each in all_rows(out) if each["external_id"] == "same")
    assert same["tagged_at"].minute == FILES - 1
