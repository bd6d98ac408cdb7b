"""Catalogues in a folder and in object stores: the same rows, whole files, nothing lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest

from app.catalogue.derive import derive
from app.catalogue.manifest import count_statuses, write_manifest
from app.catalogue.storage import Storage, open_storage
from app.catalogue.tables import batch_files, models_in, read_batches, read_table, write_table
from app.errors import SetupError
from app.tagging.projection import project
from app.tagging.vocabulary import make_raw_vocabulary
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import MODEL, StubAnalyser, tag
from tests.support.s3_server import new_bucket, s3_server


@pytest.fixture(
    params=["folder", "memory", pytest.param("s3", marks=[pytest.mark.thorough])],
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a catalogue may be: a folder, and object stores."""
    if request.param == "s3":
        with s3_server():
            yield f"s3://{new_bucket()}/catalogues/one"
    elif request.param == "memory":
        yield f"memory://{uuid4().hex}/catalogue"
        fsspec.filesystem("memory").store.clear()
    else:
        yield str(tmp_path / "catalogue")


def rows_in(out: Storage) -> dict[str, dict[str, object]]:
    """Read the rows of the model, by external id; each id has one."""
    rows = [row for _, table in read_batches(out, MODEL.ref) for row in table.to_pylist()]
    assert len({row["external_id"] for row in rows}) == len(rows)
    return {row["external_id"]: row for row in rows}


def test_a_catalogue_is_written_continued_and_derived(place: str, music: Music) -> None:
    out, analyser = open_storage(place), StubAnalyser()
    folder = music(one="1", two="2", quiet="silent")
    tag(folder, place, analyser)
    before = rows_in(out)

    music(two="2 is longer")
    second = tag(folder, place, analyser)
    write_manifest(out, [MODEL])

    assert (second.inferred, second.known) == (1, 1)
    after = rows_in(out)
    assert after["one.mp3"] == before["one.mp3"]
    assert after["two.mp3"]["track_id"] != before["two.mp3"]["track_id"]
    assert models_in(out) == [MODEL.ref]
    assert count_statuses(out) == {MODEL.ref: {"ok": 2, "silent_audio": 1}}
    assert out.read("manifest.json", lambda file: b'"ok": 2' in file.read())
    assert derive(out, project(make_raw_vocabulary(MODEL), [MODEL])) == 2
    assert len(out.files("suggestions")) == 1


def test_a_file_that_fails_in_the_middle_leaves_nothing(place: str) -> None:
    out = open_storage(place)

    def write_half() -> None:
        with out.write("tracks/a") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()

    assert out.files("") == []
    out.remove("tracks/a")  # does nothing


def test_files_that_vanish_are_read_where_their_rows_are_now(place: str, music: Music) -> None:
    out = open_storage(place)
    tag(music(one="1"), place)
    tag(music(two="2"), place)
    ids = set()

    for path, table in read_batches(out, MODEL.ref):
        if not ids:
            (second,) = set(batch_files(out, MODEL.ref)) - {path}
            write_table(out, f"{second}-merged.parquet", read_table(out, second))
            out.remove(second)
        ids.update(table["external_id"].to_pylist())

    assert ids == {"one.mp3", "two.mp3"}


def test_two_runs_on_an_object_store_share_it(music: Music, tmp_path: Path) -> None:
    place = f"memory://{uuid4().hex}/catalogue"
    out, folder = open_storage(place), music(one="1", two="2", three="3")

    class Sharing(StubAnalyser):
        """Runs a whole run in the middle of another."""

        async def infer(self, *arguments: Any) -> Any:
            if not self.inferred:
                await asyncio.to_thread(tag, folder, place)
            return await super().infer(*arguments)

    first = tag(folder, place, Sharing())

    assert first.inferred == 3
    assert set(rows_in(out)) == {"one.mp3", "two.mp3", "three.mp3"}
    assert tag(folder, place).known == 3


@pytest.mark.parametrize("method", ["open", "put_file", "find"])
def test_an_object_store_that_throttles_is_asked_again(
    music: Music, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    place = f"memory://{uuid4().hex}/catalogue"
    tag(music(one="1"), place)
    system = type(fsspec.filesystem("memory"))
    really, refusals = getattr(system, method), []

    def throttle(*arguments: object, **options: object) -> object:
        if len(refusals) < 2:
            refusals.append(arguments)
            raise OSError("SlowDown: reduce your request rate")
        return really(*arguments, **options)

    monkeypatch.setattr(system, method, throttle)

    assert tag(music(two="2"), place).known == 1
    assert len(refusals) == 2


def test_an_object_store_that_fails_for_long_ends_the_run(
    music: Music, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("SlowDown")

    place = f"memory://{uuid4().hex}/catalogue"
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "put_file", fail)

    with pytest.raises(SetupError, match=r"memory://.*parquet: it can't be written: SlowDown"):
        tag(music(one="1"), place)


def test_an_object_store_without_permission_to_write_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "put_file", deny)

    with pytest.raises(SetupError, match="it can't be written: Access Denied"):
        open_storage(f"memory://{uuid4().hex}/catalogue").locked().__enter__()


@pytest.mark.parametrize(
    ("place", "why"),
    [("https://host/x", "object store"), ("nope://x", "object store"), ("s3://", "a bucket")],
)
def test_a_place_that_is_not_one_for_catalogues_is_refused(place: str, why: str) -> None:
    with pytest.raises(SetupError, match=why):
        open_storage(place)


def test_a_folder_may_have_any_name(music: Music, tmp_path: Path) -> None:
    for name in ("a::b", "~", "line\nbreak", "*?[x] é 日本 \udcff", "s3:"):
        tag(music(one="1"), tmp_path / name)
        assert set(rows_in(open_storage(tmp_path / name))) == {"one.mp3"}
    assert set(rows_in(open_storage(f"file://{tmp_path}/~"))) == {"one.mp3"}
