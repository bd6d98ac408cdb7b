"""The tracks of a folder, a URL prefix and a table."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.catalogue.entries import Entry, Problem
from app.catalogue.sources import list_entries
from app.errors import SetupError
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import StubAnalyser, tag
from tests.catalogue.test_run import rows_of
from tests.support.s3_server import s3_server

ROWS = [
    {"external_id": "7", "uri": "music/one.mp3", "artist_id": "a"},
    {"external_id": "8", "uri": "/elsewhere/two.mp3", "artist_id": ""},
]


@pytest.fixture
def memory() -> Iterator[str]:
    """A URL of fsspec's file system in memory."""
    url = f"memory://{uuid4().hex}"
    yield url
    fsspec.filesystem("memory").store.clear()


def written(path: Path, rows: Sequence[dict[str, object]]) -> str:
    """Write a table of the kind that its name says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_table_lists_tracks_with_paths_below_its_folder(tmp_path: Path, name: str) -> None:
    assert list_entries(written(tmp_path / name, ROWS)).entries == [
        Entry("7", str(tmp_path / "music" / "one.mp3"), "a"),
        Entry("8", "/elsewhere/two.mp3", None),
    ]


def test_a_folder_lists_audio_files_by_their_path_in_it(music: Music) -> None:
    folder = music(one="1")
    (folder / "cover.jpg").write_text("")

    listing = list_entries(str(folder))

    assert listing.entries == [Entry("one.mp3", str(folder / "one.mp3"))]
    assert list(listing.skipped) == [str(folder / "cover.jpg")]


def test_files_at_a_url_are_tagged_and_known_by_the_next_run(memory: str, tmp_path: Path) -> None:
    for name in ("a/one.mp3", "two.flac", "cover.jpg"):
        fsspec.filesystem("memory").pipe_file(f"{memory}/{name}", name.encode())
    analyser, out = StubAnalyser(), tmp_path / "out"
    listing = list_entries(memory)

    assert tag(listing, out, analyser).inferred == 2
    assert tag(listing, out, analyser).known == 2
    assert {row["uri"] for row in rows_of(out).values()} == {
        f"memory:///{memory.partition('://')[2]}/{name}" for name in ("a/one.mp3", "two.flac")
    }
    assert len(listing.skipped) == 1


def test_a_store_that_throttles_is_asked_again(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = fsspec.filesystem("memory")
    system.pipe_file(f"{memory}/one.mp3", b"1")
    listing = list_entries(memory)
    opens, really_open = [], type(system).open

    def throttle(self: object, *args: object, **kwargs: object) -> object:
        opens.append(args)
        if len(opens) < 3:
            raise OSError("SlowDown")
        return really_open(self, *args, **kwargs)

    monkeypatch.setattr(type(system), "open", throttle)

    assert tag(listing, tmp_path / "out").inferred == 1


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_bad_row_fails_alone(tmp_path: Path, name: str) -> None:
    bad = {"external_id": "", "uri": "three.mp3", "artist_id": ""}

    listing = list_entries(written(tmp_path / name, [*ROWS, bad]))

    assert len(listing.entries) == 2
    ((place, (problem, detail)),) = listing.invalid.items()
    assert problem is Problem.INVALID_ENTRY
    assert "external_id is ''" in detail
    assert place.startswith(str(tmp_path / name))


def test_a_path_that_no_file_can_have_fails_alone(music: Music, tmp_path: Path) -> None:
    music(one="1")
    (tmp_path / "music" / "folder.mp3").mkdir()
    paths = ["one.mp3", "a\0b.mp3", "\ud800.mp3", "folder.mp3", "x" * 5000, "https//", "nope://x"]
    rows = [{"external_id": str(row), "uri": path} for row, path in enumerate(paths)]
    out = tmp_path / "out"

    summary = tag(list_entries(written(tmp_path / "music" / "t.jsonl", rows)), out)

    assert (summary.inferred, summary.failed) == (1, 6)
    statuses = [row["status"] for _, row in sorted(rows_of(out).items())]
    assert statuses == ["ok", *["unreadable"] * 4, "not_found", "unreadable"]


def test_an_id_with_two_files_is_refused_and_a_repeated_row_is_not(tmp_path: Path) -> None:
    other = {**ROWS[0], "uri": "/elsewhere/other.mp3"}

    listing = list_entries(written(tmp_path / "t.csv", [*ROWS, ROWS[0], other]))

    assert [entry.external_id for entry in listing.entries] == ["7", "8"]
    ((problem, _),) = listing.invalid.values()
    assert problem is Problem.DUPLICATE_ID


def test_a_line_that_is_not_json_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{json.dumps(ROWS[0])}\n{{\n[]\n")

    listing = list_entries(str(path))

    assert len(listing.entries) == 1
    assert len(listing.invalid) == 2


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("t.csv", b"id,uri\n1,a.mp3\n", "columns id, uri"),
        ("t.csv", b"external_id,uri\n", "no tracks"),
        ("t.csv", b"external_id,uri\n\xff,a\n", "can't be read"),
        ("t.jsonl", b"", "no tracks"),
        ("t.parquet", b"no table", "can't be read"),
        ("t.txt", b"", "expected a folder, or a table"),
    ],
)
def test_a_source_that_is_not_one_is_refused(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SetupError, match=why):
        list_entries(str(tmp_path / name))


@pytest.mark.parametrize("source", ["gone", "gone.csv", "memory://gone", "ftps://host/x"])
def test_a_source_that_does_not_exist_is_refused(source: str) -> None:
    with pytest.raises(SetupError):
        list_entries(source)


@pytest.mark.thorough
def test_a_bucket_is_tagged_and_a_changed_object_again(tmp_path: Path) -> None:
    with s3_server():
        system = fsspec.filesystem("s3")
        bucket = f"bucket-{uuid4().hex}"
        system.mkdir(bucket)
        system.pipe({f"{bucket}/a/one.mp3": b"1", f"{bucket}/a/b/two #?%.mp3": b"2"})
        analyser, out = StubAnalyser(), tmp_path / "out"

        first = tag(list_entries(f"s3://{bucket}/a"), out, analyser)
        system.pipe_file(f"{bucket}/a/one.mp3", b"3")
        system.invalidate_cache()
        second = tag(list_entries(f"s3://{bucket}/a"), out, analyser)

        assert first.inferred == 2
        assert (second.inferred, second.known) == (1, 1)
        assert set(rows_of(out)) == {"one.mp3", "b/two #?%.mp3"}
