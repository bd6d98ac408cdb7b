"""Small files become large ones, and rows that do not count disappear, whatever else happens."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from app.catalogue.compact import compact
from app.catalogue.entries import UPLOAD
from app.catalogue.latest import latest_times, remove_superseded, take_latest
from app.catalogue.storage import Storage, open_storage
from app.catalogue.tables import read_batches, stored_embedding, write_batch
from app.errors import SetupError
from tests.catalogue.rows import TAGS, all_rows, files_of, ids_of, row, sha256, write


class Killed(BaseException):
    """The end of the process."""


def counted_ids(out: Path) -> list[str]:
    """List the external ids that readers count."""
    catalogue = open_storage(out)
    latest = latest_times(catalogue, TAGS.ref)
    tables = [take_latest(table, latest) for _, table in read_batches(catalogue, TAGS.ref)]
    return sorted(id_ for table in tables for id_ in table["external_id"].to_pylist())


def test_small_files_are_joined_with_all_their_rows(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, row(f"a{number}", (0.1 * number, 0, 0)), row(f"b{number}"))
    before = sorted(all_rows(tmp_path), key=lambda each: each["external_id"])

    (result,) = compact(open_storage(tmp_path))

    assert (result.joined, result.written, result.removed) == (5, 1, 0)
    assert len(files_of(tmp_path)) == 1
    assert sorted(all_rows(tmp_path), key=lambda each: each["external_id"]) == before


def test_superseded_rows_are_removed(tmp_path: Path) -> None:
    write(tmp_path, row("one", (1, 0, 0), minute=2), row("two"))
    write(tmp_path, row("one", (0, 1, 0), minute=1))
    write(tmp_path, row("two", status="silent_audio", minute=1))

    (result,) = compact(open_storage(tmp_path))

    assert result.removed == 2
    rows = {each["external_id"]: each for each in all_rows(tmp_path)}
    assert ids_of(tmp_path) == ["one", "two"]
    assert rows["one"]["scores"] == [1, 0, 0]
    assert rows["two"]["status"] == "silent_audio"


def test_what_is_compact_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.catalogue.compact.TARGET_ROWS", 3)
    for number in range(8):
        write(tmp_path, row(f"track{number}"))

    compact(open_storage(tmp_path))
    files = files_of(tmp_path)
    (again,) = compact(open_storage(tmp_path))

    assert len(files) == 3
    assert files_of(tmp_path) == files
    assert (again.joined, again.written, again.removed) == (0, 0, 0)
    assert len(set(ids_of(tmp_path))) == len(ids_of(tmp_path)) == 8


def test_the_same_upload_twice_has_one_row(tmp_path: Path) -> None:
    track_id = sha256("song")
    for minute in (1, 2):
        write(tmp_path, row(track_id, content="song", uri=UPLOAD + track_id, minute=minute))

    compact(open_storage(tmp_path))

    assert ids_of(tmp_path) == [track_id]


def test_a_track_of_the_platform_replaces_the_upload_of_the_same_file(tmp_path: Path) -> None:
    song, other, silent = sha256("song"), sha256("other"), sha256("silent")
    write(tmp_path, row(song, content="song", uri=UPLOAD + song, minute=9))
    write(tmp_path, row(other, content="other", uri=UPLOAD + other))
    write(tmp_path, row(silent, content="silent", uri=UPLOAD + silent))
    write(tmp_path, row("17", content="song"), row("18", content="silent", status="silent_audio"))

    compact(open_storage(tmp_path))

    assert ids_of(tmp_path) == sorted(["17", "18", other, silent])


def test_a_row_of_the_platform_that_does_not_count_replaces_no_upload(tmp_path: Path) -> None:
    song = sha256("song")
    write(tmp_path, row(song, content="song", uri=UPLOAD + song))
    write(tmp_path, row("17", content="song"))
    write(tmp_path, row("17", content="changed since", minute=1))

    compact(open_storage(tmp_path))

    assert ids_of(tmp_path) == sorted(["17", song])


@pytest.mark.parametrize("steps", range(8))
def test_a_kill_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """There are two groups, each with a file to write and files to remove."""
    monkeypatch.setattr("app.catalogue.compact.TARGET_ROWS", 4)
    for number in range(6):
        write(tmp_path, row(f"track{number}", minute=number), row("same", minute=number))
    expected = counted_ids(tmp_path)
    catalogue = open_storage(tmp_path)
    done = count()

    def limited(change: object) -> object:
        def run(*arguments: object) -> object:
            if next(done) == steps:
                raise Killed
            return change(*arguments)  # type: ignore[operator]

        return run

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "write", limited(catalogue.write))
        patch.setattr(catalogue, "remove", limited(catalogue.remove))
        with pytest.raises(Killed):
            compact(catalogue)

    assert counted_ids(tmp_path) == expected
    compact(open_storage(tmp_path))
    assert ids_of(tmp_path) == expected


@pytest.mark.parametrize("change", [compact, lambda out: remove_superseded(out, TAGS.ref)])
def test_rows_that_are_appended_meanwhile_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Storage], object]
) -> None:
    """Before each change, a service appends a file: new tracks, and a newer row of an old one."""
    write(tmp_path, row("one"), row("two"))
    catalogue = write(tmp_path, row("one", minute=1))
    numbers = count()

    def append() -> None:
        number = next(numbers)
        write(tmp_path, row(f"new{number}"), row("one", (0, 0, number), minute=2 + number))

    def after_append(change: object) -> object:
        def run(*arguments: object) -> object:
            append()
            return change(*arguments)  # type: ignore[operator]

        return run

    for name in ("read", "write", "remove", "files"):
        monkeypatch.setattr(catalogue, name, after_append(getattr(catalogue, name)))
    change(catalogue)

    new = [f"new{number}" for number in range(next(numbers))]
    assert counted_ids(tmp_path) == sorted([*new, "one", "two"])
    compact(open_storage(tmp_path))
    assert ids_of(tmp_path) == sorted([*new, "one", "two"])
    scores = {each["external_id"]: each["scores"] for each in all_rows(tmp_path)}
    assert scores["one"] == [0, 0, len(new) - 1]


def test_a_file_that_is_damaged_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    write(tmp_path, row("one"))
    write(tmp_path, row("two"))
    files_of(tmp_path)[0].write_bytes(b"not Parquet")

    with pytest.raises(SetupError, match=files_of(tmp_path)[0].name):
        compact(open_storage(tmp_path))

    assert len(files_of(tmp_path)) == 2


def test_an_object_store_is_compacted() -> None:
    catalogue = open_storage(f"memory://{uuid4().hex}/catalogue")
    for minute in range(3):
        write_batch(catalogue, TAGS, [row("one", minute=minute), row(f"new{minute}")])
    write_batch(catalogue, replace(TAGS, embedding=2), [row("embedded")])

    (result,) = compact(catalogue)

    assert (result.joined, result.written, result.removed) == (3, 1, 2)
    tables = [table for _, table in read_batches(catalogue, TAGS.ref)]
    assert {stored_embedding(table) for table in tables} == {0, 2}
    ids = sorted(id_ for table in tables for id_ in table["external_id"].to_pylist())
    assert ids == ["embedded", "new0", "new1", "new2", "one"]
    fsspec.filesystem("memory").store.clear()
