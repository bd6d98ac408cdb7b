"""What strangers call files, folders, tags and models neither moves a cursor nor is computed."""

import asyncio
import csv
import io
import json
import logging
import os
import shutil
import unicodedata
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from app.cli.console import cell, say
from app.cli.tag import CSV_COLUMNS
from app.evaluation.report.song_chart import taggram as song_chart
from app.evaluation.report.taggrams import SongTaggram
from app.feedback.export import export
from app.logs import PlainLine
from app.report.blocks import Cell, Document, Grid, Prose, Section
from app.report.html import render
from app.services import Services
from app.store.registry.packaging import package_model
from app.tagging.picture import draw
from app.tagging.table import tabulate
from app.text import csv_cell, printable
from testing.stub_engine import load_stub_engine
from tests.cli.conftest import Taggram
from tests.support import tiny
from tests.support.feedback import feedback, keep

EVIL = "=cmd|' -C calc'!A0\x1b]0;owned\x07\x9b31m\r\n\u2028\u202e\u2066\u200b\udc80.flac"
"""A formula, a title for the terminal, a colour, line ends, letters turned around, no Unicode."""

MOVING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def assert_harmless(text: str) -> None:
    """Nothing but our own line ends moves the cursor."""
    unsafe = {char for char in text if unicodedata.category(char) in MOVING}
    assert unsafe <= {"\n"}, text


@pytest.fixture
def tag(taggram: Taggram, monkeypatch: pytest.MonkeyPatch) -> Taggram:
    """Tags by one model."""
    stubbed = partial(Services, load_engine=load_stub_engine)
    monkeypatch.setattr("app.cli.tag.Services", stubbed)
    return partial(taggram, "tag", TAGGRAM_MODELS='["msd-musicnn"]')


@pytest.fixture
def strange(clip: Path, tmp_path: Path) -> Path:
    folder = tmp_path / EVIL
    folder.mkdir()
    shutil.copy(clip, folder / EVIL)
    (folder / f"broken{EVIL}").write_bytes(b"nothing")
    (folder / f"cover{EVIL}.jpg").touch()
    os.mkfifo(folder / f"pipe{EVIL}")
    return folder


@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_tag_escapes_file_names(form: tuple[str, ...], strange: Path, tag: Taggram) -> None:
    result = tag(EVIL, *form)

    assert_harmless(result.stderr)
    assert len(list(filter(None, result.stderr.splitlines()))) == 4
    assert_harmless(result.stdout.replace("\r\n", "\n"))
    if form == ("--csv",):
        rows = list(csv.reader(io.StringIO(result.stdout)))
        assert rows[0] == list(CSV_COLUMNS)
        assert {row[0] for row in rows[1:]} == {csv_cell(f"{EVIL}/{EVIL}")}
    if form == ("--json",):
        assert json.loads(result.stdout)["path"] == f"{EVIL}/{EVIL}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rock", "rock"),
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'?=1"),
        ("\r=1", "'?=1"),
        ("\ttab", "?tab"),
        (" =1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\u202e=1", "?=1"),
        ("a-b", "a-b"),
        ("雨\u2029", "雨?"),
    ],
)
def test_no_cell_is_a_formula(text: str, shown: str) -> None:
    assert csv_cell(text) == shown


def test_a_taggram_s_table_and_picture_show_raw_tags_without_a_vocabulary() -> None:
    scores = np.zeros((2, 2), np.float32)
    header = tabulate([0.0, 1.0], [EVIL, "rock"], scores)
    row = next(csv.reader(io.StringIO(header)))
    assert row == ["time_s", csv_cell(EVIL), "rock"]
    assert draw([0.0, 1.0], 1.0, [EVIL, "rock"], scores, EVIL).startswith(b"\x89PNG")


def test_tables_lines_and_logs_escape_names(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    say(console, EVIL)
    console.print(cell(EVIL))
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "broke: %s", "args": (EVIL,), "exc_info": (ValueError, error, None)}
        )
    printed = capsys.readouterr().out
    assert_harmless(printed)
    assert_harmless(PlainLine().format(record))
    assert PlainLine().format(record).splitlines()[0].endswith(printable(EVIL))


def test_pages_and_exports_escape_names(tmp_path: Path) -> None:
    song = SongTaggram(EVIL, (EVIL, "rock"), [0.0, 1.0], 1.0, np.zeros((2, 2), np.float32), (EVIL,))
    grid = Grid(EVIL, (EVIL,), ((Cell(EVIL, EVIL),),))
    written = render(Document(EVIL, EVIL, (Section(EVIL, (Prose(EVIL), grid, song_chart(song))),)))
    assert_harmless(written)
    assert "]0;owned" in written

    printed = feedback(added=(EVIL.replace("\udc80", ""),))
    asyncio.run(keep(tmp_path / "feedback.sqlite", printed))
    export(tmp_path / "feedback.sqlite", tmp_path / "all.csv", lambda *_: None)
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["tag"] == csv_cell(printed.added[0])


def test_texts_of_a_manifest_are_escaped(taggram: Taggram) -> None:
    name = EVIL.replace("\udc80", "")
    spec = tiny.spec(summary=name, tags={"family": "tiny", "names": [name, "two", "three"]})
    tiny.write(package_model(spec, tiny.weights()), Path("new"))
    for command in ("publish new", "list", "card tiny"):
        result = taggram("models", *command.split(), "--store", "store")
        assert result.exit_code == 0, result.output
        assert_harmless(result.output)
