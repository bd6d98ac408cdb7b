"""Bad input: entries that fail alone, refused sources, disks and object stores that fail."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from app.catalogue.entries import Problem
from app.catalogue.files import UnreadableError, open_entry
from app.catalogue.sources import list_entries
from app.catalogue.storage import open_storage
from app.catalogue.tables import read_batches
from app.errors import SetupError
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import MODEL, StubAnalyser, tag
from tests.catalogue.test_run import rows_of
from tests.support.s3_server import forget_connections, new_bucket, s3_server
from tests.support.throttling import throttling


@pytest.fixture
def memory() -> Iterator[str]:
    """A URL of fsspec's file system in memory."""
    yield f"memory://{uuid4().hex}"
    fsspec.filesystem("memory").store.clear()


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_files_without_permission_fail_alone(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who may read any local file."""
    system = fsspec.filesystem("memory")
    system.pipe({f"{memory}/one.mp3": b"1", f"{memory}/secret.mp3": b"2"})
    really_open = type(system).open

    def deny(self: object, path: str, *arguments: object, **options: object) -> object:
        if "secret" in path:
            raise PermissionError(13, "Permission denied", path)
        return really_open(self, path, *arguments, **options)

    monkeypatch.setattr(type(system), "open", deny)

    summary = tag(list_entries(memory), tmp_path / "out")

    assert (summary.inferred, summary.failures) == (1, {"not_permitted": 1})


def test_a_file_that_no_user_can_read_fails_alone(tmp_path: Path) -> None:
    """Root can open the memory of a process, but its first byte is never there."""
    table = tmp_path / "t.csv"
    table.write_text("external_id,uri\n1,/proc/self/mem\n2,one.mp3\n")
    (tmp_path / "one.mp3").write_text("1")

    summary = tag(list_entries(str(table)), tmp_path / "out")

    assert (summary.inferred, summary.failures) == (1, {"unreadable": 1})
    assert summary.examples["unreadable"] == ("/proc/self/mem", "Input/output error")


def test_a_folder_without_permission_is_a_failure(
    music: Music, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = music(one="1")
    (folder / "secret").mkdir()
    really_list = Path.iterdir

    def deny(path: Path) -> Iterator[Path]:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return really_list(path)

    monkeypatch.setattr(Path, "iterdir", deny)

    summary = tag(list_entries(str(folder)), tmp_path / "out")

    assert (summary.inferred, summary.failures) == (1, {Problem.UNREADABLE: 1})
    assert summary.examples["unreadable"] == (str(folder / "secret"), "Permission denied")


def test_a_file_that_vanishes_keeps_its_scores_and_is_tried_again(
    music: Music, tmp_path: Path
) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    folder = music(one="1", two="2")
    listing = list_entries(str(folder))
    tag(listing, out, analyser)
    before = rows_of(out)
    gone = folder / "one.mp3"
    gone.rename(folder / "elsewhere")

    assert tag(listing, out, analyser).failures == {"not_found": 1}
    assert rows_of(out) == before

    (folder / "elsewhere").rename(gone)
    assert tag(listing, out, analyser).known == 2


def test_a_disk_that_fills_loses_no_rows(music: Music, tmp_path: Path) -> None:
    analyser, out = StubAnalyser(), tmp_path / "out"
    tag(music(one="1"), out, analyser)
    folder = music(two="2")

    with full_disk(), pytest.raises(SetupError, match="no space"):
        tag(folder, out, analyser)

    assert set(rows_of(out)) == {"one.mp3"}
    assert not [path for path in out.rglob("*") if "part" in path.name]
    summary = tag(folder, out, analyser)
    assert (summary.known, summary.inferred) == (1, 1)


def test_a_fetched_file_that_fills_the_disk_fails_alone(memory: str) -> None:
    fsspec.filesystem("memory").pipe_file(f"{memory}/large.mp3", b"1" * 100)

    with full_disk(), pytest.raises(UnreadableError, match="File too large"):
        open_entry(f"{memory}/large.mp3")


def test_the_same_id_with_another_file_in_a_later_source_replaces_it(
    music: Music, tmp_path: Path
) -> None:
    out, folder = tmp_path / "out", music(one="1", two="2")
    for name in ("one", "two"):
        table = tmp_path / f"{name}.csv"
        table.write_text(f"external_id,uri\n7,{folder}/{name}.mp3\n")
        assert tag(list_entries(str(table)), out).inferred == 1

    assert [row["uri"] for row in rows_of(out).values()] == [str(folder / "two.mp3")]


@pytest.mark.parametrize("row", ['{"id": "1", "uri": "a"}', '{"external_id": [], "uri": "a"}'])
def test_a_table_without_a_valid_row_is_no_success(tmp_path: Path, row: str) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text(row)

    summary = tag(list_entries(str(table)), tmp_path / "out")

    assert summary.failures == {Problem.INVALID_ENTRY: 1}
    assert "none of 1 tracks" in str(summary.find_fault(1.0))


def test_files_may_have_any_names(music: Music, tmp_path: Path) -> None:
    folder = music()
    names = [
        "a\nb.mp3",
        "🎵 ♫.mp3",
        "\udcff.mp3",
        "a,\"b'.mp3",
        "  .mp3",
        "a::b.mp3",
        "%41#?*[.mp3",
    ]
    for name in names:
        (folder / name).write_text(name.encode(errors="surrogateescape").hex())

    summary = tag(list_entries(str(folder)), tmp_path / "out")

    assert (summary.inferred, summary.failed) == (len(names), 0)
    assert len(rows_of(tmp_path / "out")) == len(names)


def test_a_catalogue_inside_its_source_is_not_a_source(music: Music) -> None:
    folder = music(one="1")
    out = folder / "catalogue"

    first, second = tag(folder, out), tag(folder, out)

    assert (first.total, second.total, second.known) == (1, 1, 1)


def test_a_table_at_a_url_has_paths_below_its_prefix(memory: str) -> None:
    rows = b"external_id,uri\n1,songs/a.mp3\n2,/b.mp3\n3,s3://bucket/c.mp3\n"
    fsspec.filesystem("memory").pipe_file(f"{memory}/tracks.csv", rows)

    uris = [entry.uri for entry in list_entries(f"{memory}/tracks.csv").entries]

    assert uris == [f"{memory}/songs/a.mp3", "/b.mp3", "s3://bucket/c.mp3"]
    with pytest.raises(SetupError, match=r"gone\.csv: can't be read: the file does not exist"):
        list_entries(f"{memory}/gone.csv")


@pytest.mark.thorough
def test_a_bucket_that_throttles_is_tagged_whole_into_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It refuses every other request."""
    names = ["one.mp3", "a/two #?%.mp3", "🎵.mp3", "[x]*.mp3"]
    with s3_server(), throttling(os.environ["AWS_ENDPOINT_URL"], every=2) as proxy:
        bucket = new_bucket()
        fsspec.filesystem("s3").pipe({f"{bucket}/in/{name}": name.encode() for name in names})
        host, port = proxy.server_address[:2]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host!s}:{port}")
        forget_connections()
        out = f"s3://{bucket}/out"

        first = tag(list_entries(f"s3://{bucket}/in"), out)
        second = tag(list_entries(f"s3://{bucket}/in"), out)

        assert (first.inferred, first.failed, second.known) == (len(names), 0, len(names))
        assert proxy.refused > len(names)
        tables = [table for _, table in read_batches(open_storage(out), MODEL.ref)]
        ids = [id_ for table in tables for id_ in table["external_id"].to_pylist()]
        assert sorted(ids) == sorted(names)
