"""Folders that came from elsewhere: no name and no link in them reaches a file outside."""

import json
import os
from pathlib import Path

import pytest

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.fetching import needed
from app.datasets.audio.storing import store_tracks
from app.datasets.tables import write_split
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from app.errors import SetupError
from tests.support.commands import refused, taggram

DIGEST = "0" * 64


def track(path: str, dataset: str = "fma") -> Track:
    return Track(track_id(dataset, path), dataset, path, "someone", ("rock",))


def split_of(*tracks: Track) -> Split:
    return Split(
        "own", ("rock",), "by hand", tuple(SplitTrack(each, Subset.TRAIN) for each in tracks)
    )


@pytest.fixture
def split(tmp_path: Path) -> Path:
    write_split(tmp_path / "split.parquet", split_of(track("1.mp3")))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "1.mp3").write_bytes(b"song")
    return tmp_path / "split.parquet"


def fetch_command(split: Path, received: Path) -> tuple[object, ...]:
    source = f"fma={split.parent / 'source'}"
    return ("data", "fetch", split, "--from", source, "--to", received, "--yes")


@pytest.mark.parametrize(
    "name",
    ["../precious/diary.txt", "/{outside}", "fma/../../precious/diary.txt", "a/" + "b" * 300, "."],
)
def test_a_list_of_fetched_files_names_none_outside(
    name: str, precious: Path, received: Path, split: Path
) -> None:
    line = name.format(outside=str(precious)[1:])
    (received / "fetched.tsv").write_text(f"{DIGEST}\t4\t{line}\n")

    message = refused(*fetch_command(split, received))

    assert message.startswith(f"taggram: {received}/fetched.tsv:1: ")
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("link", ["fma", "fma/001"])
def test_no_file_is_deleted_or_written_through_a_link(
    link: str, precious: Path, received: Path, split: Path
) -> None:
    (received / link).parent.mkdir(exist_ok=True)
    (received / link).symlink_to(precious.parent)
    (received / "fetched.tsv").write_text(f"{DIGEST}\t4\t{link}/diary.txt\n")

    assert "a link leads out of" in refused(*fetch_command(split, received))
    assert precious.read_text() == "mine"

    (received / "fetched.tsv").unlink()
    wanted = split.with_name("other.parquet")
    write_split(wanted, split_of(track(f"{link}/new.txt".removeprefix("fma/"))))
    (split.parent / "source" / "001").mkdir()
    for source in (split.parent / "source", split.parent / "source" / "001"):
        (source / "new.txt").write_bytes(b"new")
    assert "a link leads out of" in refused(*fetch_command(wanted, received))
    assert [path.name for path in precious.parent.iterdir()] == ["diary.txt"]


@pytest.mark.parametrize("name", ["fetched.tsv", ".lock"])
def test_links_and_pipes_in_place_of_its_files_are_refused(
    name: str, precious: Path, received: Path, split: Path
) -> None:
    (received / name).symlink_to(precious.parent / "new")
    assert str(received) in refused(*fetch_command(split, received))
    assert not (precious.parent / "new").exists()

    (received / name).unlink()
    os.mkfifo(received / name)
    assert str(received) in refused(*fetch_command(split, received))


def test_files_to_be_removed_are_listed_first(received: Path, split: Path) -> None:
    (received / "fma").mkdir()
    for number in range(30):
        (received / "fma" / f"{number}\x1b.mp3").write_bytes(b"song")
    lines = (f"{DIGEST}\t4\tfma/{number}\x1b.mp3\n" for number in range(30))
    (received / "fetched.tsv").write_text("".join(lines))

    message = taggram(*fetch_command(split, received)).stderr

    assert f"{received}/fma/0?.mp3" in message
    assert "and 10 more" in message
    assert "\x1b" not in message


def test_a_partial_file_that_is_a_link_is_not_written_through(
    precious: Path, tmp_path: Path
) -> None:
    (tmp_path / ".other.parquet.taggram-part").symlink_to(precious)
    write_split(tmp_path / "other.parquet", split_of(track("1.mp3")))
    assert precious.read_text() == "mine"


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("..", "x"),
        ("fma", "../x"),
        ("fma", "/etc/x"),
        ("", "etc/x"),
        (".", "fetched.tsv"),
        ("a", "\0"),
    ],
)
def test_a_split_names_no_file_outside(dataset: str, path: str, tmp_path: Path) -> None:
    split = split_of(track(path, dataset))
    with pytest.raises(SetupError, match="not a valid path of a dataset's file"):
        needed(split)
    if dataset not in {".", ""}:
        arguments = {"sample_rate": 16_000, "jobs": 1, "on_progress": lambda *_: None}
        with pytest.raises(SetupError, match="does not name a file inside"):
            store_tracks([track(path, dataset)], tmp_path, tmp_path / "store", **arguments)


def shard(source: str) -> dict[str, object]:
    entry = {"id": "1", "offset": 0, "samples": 1, "source": source}
    return {"sha256": DIGEST, "tracks": [entry], "refused": []}


def test_an_audio_store_names_no_file_by_a_digest(received: Path) -> None:
    """Scores and embeddings are kept under it."""
    (received / "shards").mkdir()
    (received / "store.json").write_text('{"sample_rate": 16000}')
    (received / "shards" / "a.json").write_text(json.dumps(shard("../../precious/diary")))
    (received / "shards" / "a.pcm").write_bytes(bytes(2))
    with pytest.raises(SetupError, match=r"tracks\.0\.source"):
        AudioStore.open(received)


def test_no_shards_are_deleted_through_a_link(precious: Path, received: Path) -> None:
    recording = precious.with_name("recording.pcm")
    recording.write_bytes(bytes(4))
    (received / "store.json").write_text('{"sample_rate": 16000}')
    (received / "shards").symlink_to(precious.parent)
    with pytest.raises(SetupError, match="a link leads out of"):
        store_tracks(
            [], received, received, sample_rate=16_000, jobs=1, on_progress=lambda *_: None
        )
    assert recording.exists()


def test_a_song_is_not_written_outside_the_folder(tmp_path: Path) -> None:
    """Its folder is called as the song is without its ending, which would be `..`."""
    song = tmp_path / "...mp3"
    song.touch()
    message = refused("data", "listen", song, "--to", tmp_path / "inner" / "out")
    assert "does not name a file inside" in message
