"""Runs over a source: what is tagged, what is kept, and what a later run does."""

import os
import threading
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from app.catalogue import results
from app.catalogue.results import BATCH_ROWS
from app.domain import ModelRef, Taggram
from app.errors import SetupError
from app.tagging.tagger import Track
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import MODEL, OTHER, Killed, StubAnalyser, tag


def rows_of(out: Path, ref: ModelRef = MODEL.ref) -> dict[str, dict[str, object]]:
    """Read the rows of a model, by external id; each id has one."""
    table = ds.dataset(out / "tracks" / ref.name / ref.version).to_table()
    rows = {row["external_id"]: row for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    return rows


def test_each_track_gets_a_row_of_each_model(music: Music, tmp_path: Path) -> None:
    out = tmp_path / "out"

    summary = tag(music(one="1", two="2"), out, models=(MODEL, OTHER))

    assert (summary.inferred, summary.failed) == (2, 0)
    assert set(rows_of(out)) == set(rows_of(out, OTHER.ref)) == {"one.mp3", "two.mp3"}
    row = rows_of(out)["one.mp3"]
    assert (row["status"], row["model"], row["duration_s"]) == ("ok", "first", 6.0)
    assert len(row["scores"]) == 3
    assert len(rows_of(out, OTHER.ref)["one.mp3"]["scores"]) == 2


def test_identical_files_are_inferred_once(music: Music, tmp_path: Path) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    analyser.takes_s = 0.1

    summary = tag(music(one="same", two="same", three="same"), out, analyser)
    tag(music(four="same"), out, analyser)

    assert analyser.inferred == {"same": 1}
    assert (summary.inferred, summary.shared) == (1, 2)
    rows = rows_of(out).values()
    assert len(rows) == 4
    assert len({(row["track_id"], tuple(row["scores"])) for row in rows}) == 1


def test_a_bad_file_fails_alone(music: Music, tmp_path: Path) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    folder = music(one="1", quiet="silent", bad="broken", once="recovers")
    (folder / "gone.mp3").symlink_to("nowhere")

    summary = tag(folder, out, analyser)

    assert {name: row["status"] for name, row in rows_of(out).items()} == {
        "one.mp3": "ok",
        "quiet.mp3": "silent_audio",
        "bad.mp3": "decoder_died",
        "once.mp3": "ok",
        "gone.mp3": "not_found",
    }
    assert summary.failures == {"silent_audio": 1, "decoder_died": 1, "not_found": 1}
    assert analyser.inferred == {"1": 1, "silent": 1, "broken": 2, "recovers": 2}
    assert "60.0% of 5 tracks failed" in str(summary.find_fault(0.05))
    assert summary.find_fault(0.7) is None


def test_a_run_without_scores_is_no_success(music: Music, tmp_path: Path) -> None:
    assert "none of 1 tracks" in str(tag(music(a="silent"), tmp_path / "out").find_fault(1.0))


def test_a_second_run_does_what_is_new_changed_or_failed_for_a_passing_reason(
    music: Music, tmp_path: Path
) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    analyser.is_busy = True
    folder = music(same="1", changes="2", quiet="silent", later="busy", slow="slow")
    tag(folder, out, analyser)
    before = rows_of(out)

    analyser.is_busy = False
    analyser.inferred.clear()
    music(changes="3 is longer", new="4")
    summary = tag(folder, out, analyser)

    assert analyser.inferred == {"3 is longer": 1, "4": 1, "busy": 1, "slow": 1}
    assert (summary.known, summary.inferred) == (1, 4)
    assert summary.failures == {"silent_audio": 1}
    after = rows_of(out)
    assert before["later.mp3"]["status"] == "engine_failed"
    assert before["slow.mp3"]["status"] == "decoder_timeout"
    assert {after[name]["status"] for name in ("later.mp3", "slow.mp3", "new.mp3")} == {"ok"}
    assert after["same.mp3"] == before["same.mp3"]
    assert after["changes.mp3"]["track_id"] != before["changes.mp3"]["track_id"]


def test_a_new_model_adds_rows_without_the_others(music: Music, tmp_path: Path) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    newer = MODEL.model_copy(update={"version": "4"})
    folder = music(one="1")
    tag(folder, out, analyser)
    before = rows_of(out)

    tag(folder, out, analyser, models=(newer,))

    assert analyser.inferred == {"1": 2}
    assert rows_of(out) == before
    assert set(rows_of(out, newer.ref)) == {"one.mp3"}


@pytest.mark.parametrize("finished", [0, 1, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 5])
def test_a_kill_loses_at_most_the_batch_in_hand(
    music: Music, tmp_path: Path, finished: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    total = BATCH_ROWS + 10
    folder = music(**{f"track{number:03}": str(number) for number in range(total)})
    analyser.killed_after = finished
    with monkeypatch.context() as patch:
        # What is in hand is lost, as after SIGKILL.
        patch.setattr("app.catalogue.results.ModelResults.close", lambda self: None)
        with pytest.raises(Killed):
            tag(folder, out, analyser, workers=1)
    kept = finished // BATCH_ROWS * BATCH_ROWS

    analyser.killed_after = None
    analyser.inferred.clear()
    summary = tag(folder, out, analyser)

    assert (summary.known, summary.inferred) == (kept, total - kept)
    assert set(analyser.inferred.values()) == {1}
    assert len(rows_of(out)) == total


def test_an_interrupted_run_keeps_all_that_it_tagged(music: Music, tmp_path: Path) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    analyser.killed_after = 2
    folder = music(one="1", two="2", three="3")

    with pytest.raises(Killed):
        tag(folder, out, analyser, workers=1)

    assert len(rows_of(out)) == 2


def test_a_disk_that_is_full_ends_the_run_and_loses_no_rows(
    music: Music, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    folder = music(one="1")
    tag(folder, out, analyser)
    music(two="2")

    def fill(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("app.catalogue.tables.pq.write_table", fill)
        with pytest.raises(SetupError, match="no space"):
            tag(folder, out, analyser)

    assert set(rows_of(out)) == {"one.mp3"}
    assert [path for path in out.rglob("*") if path.name.endswith("-part")] == []
    assert tag(folder, out, analyser).known == 1


def test_other_tracks_are_inferred_while_rows_are_written(
    music: Music, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    second = threading.Event()
    infer, write_batch = analyser.infer, results.write_batch

    async def note(track: Track, *arguments: Any) -> tuple[list[Taggram], bool]:
        if analyser.inferred:
            second.set()
        return await infer(track, *arguments)

    def write(*arguments: Any) -> Any:
        assert second.wait(60), "no track was inferred while rows were written"
        return write_batch(*arguments)

    monkeypatch.setattr(analyser, "infer", note)
    monkeypatch.setattr(results, "write_batch", write)
    monkeypatch.setattr(results, "BATCH_ROWS", 2)

    tag(music(one="1", two="2", three="3", four="4"), out, analyser, workers=2)

    assert len(rows_of(out)) == 4


def test_names_with_any_bytes_are_kept_apart(music: Music, tmp_path: Path) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    folder = music()
    for name in (b"\xff.mp3", b"\xfe.mp3", "é 日本 'quoted'.mp3".encode(), b"line\nbreak.mp3"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"1")

    tag(folder, out, analyser)

    assert len(rows_of(out)) == 4
    assert tag(folder, out, analyser).known == 4


def test_too_many_failures_end_a_run_early(
    music: Music, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalogue.summary.MANY_FAILURES", 2)
    folder = music(**{f"track{number}": f"silent {number}" for number in range(20)})

    summary = tag(folder, tmp_path / "out", workers=1)

    assert summary.done == 3
