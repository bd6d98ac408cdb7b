"""What the service infers is appended to a catalogue, whatever the disk does."""

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.catalogue.append import CatalogueAppender
from app.catalogue.compact import compact
from app.catalogue.storage import open_storage
from app.domain import Taggram
from app.errors import SetupError
from app.files import locked_folder
from app.metrics import Metrics
from testing.waiting import wait_for
from tests.catalogue.conftest import Music
from tests.catalogue.rows import all_rows, files_of, sha256
from tests.catalogue.stub_analyser import MODEL, StubAnalyser, tag
from tests.tagging.samples import model, taggram

SECOND = model("second", ["jazz", "rock"])
LONG_S = 3600.0


def upload(content: str, of=MODEL, scores=((0.2, 0.4, 0.6), (0.4, 0.4, 0.8))) -> Taggram:
    found = taggram(of, [each[: len(of.tags.names)] for each in scores])
    return replace(found, key=replace(found.key, track_id=sha256(content)))


@contextmanager
def appending(
    out: Path, metrics: Metrics | None = None, interval_s: float = LONG_S
) -> Iterator[CatalogueAppender]:
    appender = CatalogueAppender(open_storage(out), metrics or Metrics(), interval_s)
    try:
        yield appender
    finally:
        asyncio.run(appender.close())


def counts(metrics: Metrics) -> dict[str, int]:
    text = metrics.exposition().decode()
    found = re.findall(
        r'^taggram_catalogue_rows_total\{result="(\w+)"\} (\S+)$', text, re.MULTILINE
    )
    return {result: int(float(value)) for result, value in found}


def failures(metrics: Metrics) -> float:
    text = metrics.exposition().decode()
    [count] = re.findall(r"^taggram_catalogue_failures_total (\S+)$", text, re.MULTILINE)
    return float(count)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes writes fail, or not."""
    is_full = threading.Event()
    from app.catalogue import append

    write = append.write_batch

    def write_batch(*arguments: object) -> object:
        if is_full.is_set():
            raise SetupError("there is no space for it")
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(append, "write_batch", write_batch)
    return lambda full: is_full.set() if full else is_full.clear()


def test_uploads_become_rows_of_each_model(tmp_path: Path) -> None:
    metrics = Metrics()
    with appending(tmp_path, metrics) as appender:
        appender.add([upload("song"), upload("song", SECOND)], [MODEL, SECOND])
        appender.add([upload("other")], [MODEL])

    rows = all_rows(tmp_path, MODEL.ref)
    assert {each["external_id"] for each in rows} == {sha256("song"), sha256("other")}
    assert rows[0]["uri"] == f"upload:{rows[0]['track_id']}"
    assert rows[0]["scores"] == pytest.approx([0.3, 0.4, 0.7])
    assert (rows[0]["status"], rows[0]["artist_id"], rows[0]["precision"]) == (
        "ok",
        None,
        "float32",
    )
    assert len(all_rows(tmp_path, SECOND.ref)) == 1
    assert counts(metrics) == {"appended": 3, "dropped": 0}


def test_the_same_file_twice_is_one_row(tmp_path: Path) -> None:
    with appending(tmp_path) as appender:
        appender.add([upload("song")], [MODEL])
        appender.add([upload("song")], [MODEL])
    with appending(tmp_path) as appender:  # another replica, or after a restart
        appender.add([upload("song")], [MODEL])
    assert len(all_rows(tmp_path, MODEL.ref)) == 2

    compact(open_storage(tmp_path))

    assert len(all_rows(tmp_path, MODEL.ref)) == 1


def test_a_file_is_written_when_it_has_enough_rows_or_after_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalogue.append.BATCH_ROWS", 2)
    with appending(tmp_path / "number") as appender:
        appender.add([upload("one")], [MODEL])
        appender.add([upload("two")], [MODEL])
        wait_for(lambda: files_of(tmp_path / "number", MODEL.ref), "a file of two rows")
    with appending(tmp_path / "time", interval_s=0.05) as appender:
        appender.add([upload("one")], [MODEL])
        wait_for(lambda: files_of(tmp_path / "time", MODEL.ref), "a file after a time")


def test_rows_wait_while_the_disk_is_full(
    tmp_path: Path, full_disk: Callable[[bool], None], caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    full_disk(True)
    with appending(tmp_path, metrics, interval_s=0.02) as appender:
        appender.add([upload("song")], [MODEL])
        wait_for(lambda: failures(metrics) >= 2, "two failures")
        assert files_of(tmp_path, MODEL.ref) == []
        full_disk(False)
        wait_for(lambda: files_of(tmp_path, MODEL.ref), "the file")

    assert len(all_rows(tmp_path, MODEL.ref)) == 1
    assert counts(metrics) == {"appended": 1, "dropped": 0}
    assert "there is no space for it" in caplog.text


def test_a_run_that_removes_partial_files_costs_one_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run removes what killed processes left, and can't know that this one still writes."""
    from app.catalogue import tables

    write = tables.pq.write_table
    begun = iter([True])

    def write_table(*arguments: object, **options: object) -> None:
        if next(begun, False):
            with locked_folder(tmp_path):
                pass
        write(*arguments, **options)

    monkeypatch.setattr(tables.pq, "write_table", write_table)
    metrics = Metrics()
    with appending(tmp_path, metrics, interval_s=0.02) as appender:
        appender.add([upload("song")], [MODEL])
        wait_for(lambda: files_of(tmp_path, MODEL.ref), "the file")

    assert len(all_rows(tmp_path, MODEL.ref)) == 1
    assert failures(metrics) == 1


def test_rows_that_are_too_many_are_dropped_and_counted(
    tmp_path: Path,
    full_disk: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("app.catalogue.append.MAX_WAITING_ROWS", 3)
    metrics = Metrics()
    full_disk(True)
    with appending(tmp_path, metrics) as appender:
        for number in range(5):
            appender.add([upload(str(number))], [MODEL])

    assert counts(metrics) == {"appended": 0, "dropped": 5}
    assert sum(record.levelno == logging.ERROR for record in caplog.records) >= 2
    assert "rows were dropped" in caplog.text


def test_a_model_that_fails_does_not_keep_others_from_the_disk(
    tmp_path: Path, full_disk: Callable[[bool], None]
) -> None:
    (tmp_path / "tracks" / MODEL.name).mkdir(parents=True)
    (tmp_path / "tracks" / MODEL.name / MODEL.version).write_text("in the way")
    metrics = Metrics()
    with appending(tmp_path, metrics) as appender:
        appender.add([upload("song"), upload("song", SECOND)], [MODEL, SECOND])

    assert counts(metrics) == {"appended": 1, "dropped": 1}
    assert len(all_rows(tmp_path, SECOND.ref)) == 1


def test_a_disk_that_hangs_delays_the_end_only_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hangs = threading.Event()
    monkeypatch.setattr("app.catalogue.append.CLOSE_S", 0.05)
    monkeypatch.setattr("app.catalogue.append.write_batch", lambda *_: hangs.wait())
    with appending(tmp_path) as appender:
        appender.add([upload("song")], [MODEL])
    hangs.set()

    assert "1 rows were dropped" in caplog.text


def test_a_catalogue_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SetupError, match=str(tmp_path / "file")):
        CatalogueAppender(open_storage(tmp_path / "file"), Metrics())


def test_an_upload_needs_no_second_inference(music: Music, tmp_path: Path) -> None:
    """A later run with the platform's ids takes the scores of uploads."""
    analyser, out = StubAnalyser(), tmp_path / "out"
    with appending(out) as appender:
        appender.add([upload("1")], [MODEL])

    summary = tag(music(one="1", two="2"), out, analyser)

    assert analyser.inferred == {"2": 1}
    assert (summary.inferred, summary.shared) == (1, 1)
    rows = {each["external_id"]: each for each in all_rows(out, MODEL.ref)}
    assert rows["one.mp3"]["scores"] == pytest.approx([0.3, 0.4, 0.7])
    compact(open_storage(out))
    assert {each["external_id"] for each in all_rows(out, MODEL.ref)} == {"one.mp3", "two.mp3"}
