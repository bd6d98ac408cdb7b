"""`taggram tag`, with stubs in the place of networks."""

import csv
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.audio_files import APPLE_DOUBLE, CYCLE, NOT_A_FILE, OTHER_EXTENSION
from app.cli.tag import TaggedFile, _csv_rows, _json_line, _readable
from app.domain import Level, Stretch, Suggestion
from app.services import Services
from testing.kinds import DAMAGED, KINDS, RATE
from testing.sounds import noise
from testing.stub_engine import load_stub_engine
from tests.cli.conftest import Refused, Taggram

ONE_MODEL = '["msd-musicnn"]'


@pytest.fixture
def tag(taggram: Taggram, monkeypatch: pytest.MonkeyPatch) -> Taggram:
    """Tags by one model."""
    stubbed = partial(Services, load_engine=load_stub_engine)
    monkeypatch.setattr("app.cli.tag.Services", stubbed)
    return partial(taggram, "tag", TAGGRAM_MODELS=ONE_MODEL)


@pytest.fixture
def good(clip: Path, tmp_path: Path) -> Path:
    """A folder with a file of an awkward name."""
    folder = tmp_path / "good"
    folder.mkdir()
    shutil.copy(clip, folder / 'one, "live".FLAC')
    return folder


def test_each_file_is_printed_with_tags_and_moments_or_an_error(good: Path, tag: Taggram) -> None:
    (good / "notes.mp3").write_text("This is a shopping list.\n")
    (good / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0")

    result = tag("good", "missing.wav", "--vocabulary", "raw")

    name, *tags = result.stdout.splitlines()
    assert name.startswith('good/one, "live".FLAC')
    assert len(tags) == 5
    for each in tags:
        assert re.fullmatch(r"  [01]\.\d{3}  \w[\w ]+  +0:\d\d-0:\d\d.*", each)
    skipped, not_audio, missing, count = filter(str.strip, result.stderr.splitlines())
    assert (
        skipped == "1 skipped, such as good/cover.jpg: its extension is not that of an audio format"
    )
    assert not_audio.startswith("good/notes.mp3: This is not an audio file")
    assert missing == "missing.wav: No such file or directory"
    assert count == "2 failed"
    assert result.exit_code == 1


def test_a_folder_is_read_with_its_links_and_without_other_files(
    clip: Path, tmp_path: Path, tag: Taggram
) -> None:
    folder, elsewhere = tmp_path / "music", tmp_path / "elsewhere" / "album"
    elsewhere.mkdir(parents=True)
    shutil.copy(clip, elsewhere / "linked.flac")
    (folder / "named like a song.mp3").mkdir(parents=True)
    shutil.copy(clip, folder / "named like a song.mp3" / "inner.flac")
    (folder / "a link.flac").symlink_to(elsewhere / "linked.flac")
    (folder / "an album").symlink_to(elsewhere)
    (folder / "round").symlink_to(folder)
    (elsewhere / "and round").symlink_to(tmp_path)
    (folder / "._inner.mp3").write_bytes(bytes.fromhex("00051607") + bytes(100))
    os.mkfifo(folder / "pipe.wav")
    for name in ("cover.jpg", "notes.txt", "Untitled"):
        (folder / name).touch()

    result = tag("music")

    names = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert set(names) == {
        "music/a link.flac",
        "music/an album/linked.flac",
        "music/named like a song.mp3/inner.flac",
    }
    assert result.exit_code == 0
    assert set(filter(None, result.stderr.splitlines())) == {
        f"3 skipped, such as music/Untitled: {OTHER_EXTENSION}",
        f"1 skipped, such as music/._inner.mp3: {APPLE_DOUBLE}",
        f"1 skipped, such as music/pipe.wav: {NOT_A_FILE}",
        f"3 skipped, such as music/an album/and round/elsewhere/album: {CYCLE}",
    }


def test_broken_links_are_reported_as_missing_songs(good: Path, tag: Taggram) -> None:
    (good / "missing.mp3").symlink_to("nowhere.mp3")
    (good / "round.mp3").symlink_to("round.mp3")

    result = tag("good")

    assert result.exit_code == 1
    assert set(filter(None, result.stderr.splitlines())) == {
        "good/missing.mp3: No such file or directory",
        "good/round.mp3: Too many levels of symbolic links",
        "2 failed",
    }


@pytest.mark.parametrize("named", ["pipe.wav", "/dev/zero"])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(
    named: str, tmp_path: Path, good: Path, tag: Taggram
) -> None:
    os.mkfifo(tmp_path / "pipe.wav")

    result = tag(named, "good")

    assert result.exit_code == 1
    assert list(filter(None, result.stderr.splitlines())) == [f"{named}: {NOT_A_FILE}", "1 failed"]
    assert result.stdout.startswith("good/")


def test_a_folder_without_audio_is_a_failure(tmp_path: Path, good: Path, tag: Taggram) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "words.txt").touch()

    alone, beside = tag("empty", "texts"), tag("good", "texts")

    assert list(filter(None, alone.stderr.splitlines())) == [
        f"1 skipped, such as texts/words.txt: {OTHER_EXTENSION}",
        "empty: the folder has no audio files",
        "texts: the folder has no audio files",
        "2 failed",
    ]
    assert (alone.exit_code, alone.stdout) == (1, "")
    assert beside.exit_code == 1
    assert beside.stdout.startswith("good/")


def test_json_and_csv_agree(good: Path, tag: Taggram) -> None:
    wanted = ("good", "--vocabulary", "alltags", "--top-k", "12")
    outputs = [tag(*wanted, form) for form in ("--json", "--csv")]
    assert [each.exit_code for each in outputs] == [0, 0]
    one = json.loads(outputs[0].stdout)
    rows = list(csv.DictReader(io.StringIO(outputs[1].stdout, newline="")))

    assert {row["file"] for row in rows} == {one["path"]} == {'good/one, "live".FLAC'}
    for name in ("track_id", "confidence", "vocabulary"):
        assert {row[name] for row in rows} == {one[name]}
    assert [int(row["rank"]) for row in rows] == list(range(1, 13))
    for column in ("tag", "level"):
        assert [row[column] for row in rows] == [each[column] for each in one["suggestions"]]
    assert [float(row["score"]) for row in rows] == pytest.approx(
        [each["score"] for each in one["suggestions"]], abs=2e-6
    )
    assert (one["vocabulary"], one["duration_s"]) == ("alltags", 12)
    assert one["models"] == ["msd-musicnn/1"]
    for suggestion in one["suggestions"]:
        assert suggestion["heard_at"]
        assert all(0 <= at["start_s"] < at["end_s"] <= 12 for at in suggestion["heard_at"])


def test_text_shows_labels_and_json_the_tag_names_too(good: Path, tag: Taggram) -> None:
    wanted = ("good", "--vocabulary", "genres", "--top-k", "20")

    shown, as_json = (tag(*wanted, *form).stdout for form in ((), ("--json",)))

    suggestions = json.loads(as_json)["suggestions"]
    assert ("hiphop", "Hip-hop", "tag") in [
        (each["tag"], each["label"], each["level"]) for each in suggestions
    ]
    for line, suggestion in zip(shown.splitlines()[1:], suggestions, strict=True):
        assert suggestion["label"] in line


def test_two_output_formats_are_refused(taggram: Taggram) -> None:
    result = taggram("tag", "any.wav", "--json", "--csv")

    assert result.exit_code == 2
    assert "--json" in result.stderr
    assert "--csv" in result.stderr


def test_an_unknown_vocabulary_is_refused_with_a_list_of_the_known_ones(refused: Refused) -> None:
    line = refused("tag", "any.wav", "--vocabulary", "subgenre")

    assert "alltags, genres, moodthemes, subgenres, raw" in line


def one_file(path: str, tag: str) -> TaggedFile:
    suggestion = Suggestion(tag, tag, Level.TAG, 0.5, (Stretch(0.0, 12.0, 0.5),))
    return TaggedFile(Path(path), "0" * 64, 12.0, ("any/1",), "own", "high", (suggestion,))


def csv_rows(tagged: TaggedFile) -> None:
    _csv_rows()(tagged)


FORMS = [_readable, _json_line, csv_rows]


@pytest.mark.parametrize("show", FORMS)
@pytest.mark.parametrize("tag", ["[rock]", "[/]", ":guitar:"])
def test_a_tag_is_printed_unchanged(
    show: Callable[[TaggedFile], None], tag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(one_file("clip.flac", tag))

    assert tag in capsys.readouterr().out


@pytest.mark.parametrize("show", FORMS)
def test_a_file_name_that_is_not_utf8_is_printed(
    show: Callable[[TaggedFile], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # as in a UTF-8 locale
    monkeypatch.setattr(sys, "stdout", stdout)

    show(one_file(os.fsdecode(b"caf\xe9.flac"), "rock"))

    assert stdout.tell()


def test_a_damaged_file_is_tagged_and_marked_damaged(tag: Taggram, tmp_path: Path) -> None:
    (tmp_path / "cut.wav").write_bytes(DAMAGED["WAV cut short"](noise(4 * RATE)))

    shown, as_json, as_csv = (tag("cut.wav", *form) for form in ((), ("--json",), ("--csv",)))

    assert "cut.wav  (damaged: 2.0 s of 4.0 s decoded)" in shown.stdout.replace("  (not sure)", "")
    outputs = json.loads(as_json.stdout)
    assert (outputs["damaged"], outputs["duration_s"], outputs["announced_s"]) == (True, 2.0, 4.0)
    assert {row["damaged"] for row in csv.DictReader(io.StringIO(as_csv.stdout))} == {"true"}


@pytest.mark.parametrize("name", ["song.m4a", "song.wma", "song.webm", "song.wv", "SONG.CAF"])
def test_every_format_in_a_folder_is_tagged(name: str, tag: Taggram, tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / name).write_bytes(KINDS["M4A"](noise(2 * RATE)))

    assert name in tag("songs").stdout
