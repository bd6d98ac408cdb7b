"""Wrong tags are found among right ones, with the evidence."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tables import write_split
from app.datasets.tracks import Split, Track
from app.domain import Stretch
from app.errors import SetupError
from app.probing.auditing import Audit, audit
from app.probing.embedding import EmbeddedSongs, Song, embed_stored
from app.probing.encoder import Encoder
from app.probing.label_issues import CHOSEN, LabelIssue, write_label_issues
from app.store.storage.store import Store
from app.text import printable
from tests.probing.test_teaching import embedded_in, publish_listener, quiet, write_songs
from tests.support.commands import refused, taggram
from tests.support.toy import TAGS, toy_split, toy_store

WRONG = {"low": "high", "high": "noise", "noise": "low"}
"""A song of one tag is in the folder of the other: three of 24."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("audited")
    write_songs(root / "songs")
    publish_listener(Store(root / "models"))
    return root


@pytest.fixture(scope="module")
def encoder(root: Path) -> Encoder:
    return Encoder(Store(root / "models"), "listener", root / "cache")


@pytest.fixture(scope="module")
def embedded(encoder: Encoder, root: Path) -> EmbeddedSongs:
    return embedded_in(root / "songs", encoder, root / "cache")


def retagged(song: Song, *tags: str) -> Song:
    return replace(song, track=replace(song.track, tags=tags))


@pytest.fixture(scope="module")
def planted(embedded: EmbeddedSongs) -> dict[str, str]:
    """By path, the right tag of songs that get a wrong one."""
    first = {song.track.tags[0]: song.track.path for song in embedded.songs}
    return {path: tag for tag, path in first.items()}


@pytest.fixture(scope="module")
def audited(encoder: Encoder, embedded: EmbeddedSongs, planted: dict[str, str]) -> Audit:
    songs = [
        retagged(song, WRONG[planted[song.track.path]]) if song.track.path in planted else song
        for song in embedded.songs
    ]
    return audit(songs, encoder.manifest.window_spec, quiet)


def test_wrong_tags_are_listed_first(audited: Audit, planted: dict[str, str]):
    first = audited.label_issues[: 2 * len(planted)]

    found = {(each.track.path, each.tag, each.is_chosen) for each in first}
    wanted = {(path, tag, False) for path, tag in planted.items()}
    wanted |= {(path, WRONG[tag], True) for path, tag in planted.items()}
    assert len(found & wanted) >= 5


def test_a_wrong_tag_is_listed_with_the_predicted_tag_and_its_position(
    audited: Audit, planted: dict[str, str]
):
    label_issue = next(each for each in audited.label_issues if each.is_chosen)

    assert label_issue.kind == CHOSEN
    assert label_issue.instead == planted[label_issue.track.path]
    assert label_issue.score < label_issue.usual
    assert label_issue.instead_score > 0.5
    assert label_issue.moments[0].end_s <= 9
    assert label_issue.at.startswith("0:0")


def test_correct_tags_are_hardly_ever_listed(encoder: Encoder, embedded: EmbeddedSongs):
    assert len(audit(embedded.songs, encoder.manifest.window_spec, quiet).label_issues) <= 1


def test_tags_with_too_few_songs_are_left_out_and_named(encoder: Encoder, embedded: EmbeddedSongs):
    first, second, *others = embedded.songs
    songs = [
        retagged(first, *first.track.tags, "rare"),
        retagged(second, "rare"),
        *others,
    ]

    audited = audit(songs, encoder.manifest.window_spec, quiet)

    assert audited.left_out == {"rare": "2 songs of 2 artists"}
    assert audited.songs == len(embedded.songs) - 1
    assert all("rare" not in {each.tag, each.instead} for each in audited.label_issues)


def test_a_single_tag_cannot_be_audited(encoder: Encoder, embedded: EmbeddedSongs):
    low = [song for song in embedded.songs if song.track.tags == ("low",)]

    with pytest.raises(SetupError, match="too few to train on"):
        audit(low, encoder.manifest.window_spec, quiet)


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1d1", "\t=1"])
def test_no_cell_is_a_formula(evil: str, tmp_path: Path):
    track = Track("0", evil, evil, evil, (evil, "b"))
    moments = (Stretch(42.0, 70.0, 0.9),)
    label_issue = LabelIssue(track, evil, True, 0.1, 0.8, evil, 0.9, moments)

    write_label_issues(tmp_path / "doubts.csv", [label_issue])

    with (tmp_path / "doubts.csv").open(newline="") as file:
        _, row = csv.reader(file)
    assert row[0] == row[1] == row[2] == row[4] == row[8] == f"'{printable(evil)}"
    assert row[3] == f"'{printable(evil)};b"
    assert row[5:8] == [CHOSEN, "0.100", "0.800"]
    assert row[10] == "0:42-1:10"


@pytest.fixture(scope="module")
def split(root: Path) -> Split:
    split = toy_split(18)
    toy_store(root, split)
    return split


def test_a_split_is_audited_from_its_audio_store(encoder: Encoder, root: Path, split: Split):
    tracks = [each.track for each in split.placed]
    elsewhere = replace(tracks[0], id="0" * 16, path="gone.mp3")
    store = AudioStore.open(root / "store-16000")

    embedded = embed_stored(encoder, store, [*tracks, elsewhere], quiet)

    assert [song.track for song in embedded.songs] == tracks
    assert list(embedded.skipped) == ["gone.mp3"]


def test_an_audio_store_of_another_rate_is_refused(encoder: Encoder, root: Path, split: Split):
    toy_store(root, replace(split, placed=split.placed[:1]), 8_000)

    with pytest.raises(
        SetupError, match="needs a sample rate of 16000 Hz in mono, but the audio store has 8000 Hz"
    ):
        embed_stored(encoder, AudioStore.open(root / "store-8000"), [], quiet)


def test_the_command_audits_a_split(root: Path, split: Split):
    wrong = replace(split.placed[0], track=replace(split.placed[0].track, tags=(TAGS[1],)))
    write_split(root / "split.parquet", replace(split, placed=(wrong, *split.placed[1:])))
    places = ("--store", root / "models", "--cache", root / "cache", "--to", root / "to.csv")
    given = (root / "split.parquet", "--audio-store", root / "store-16000")

    done = taggram("data", "audit", *given, "--model", "listener", *places)

    assert done.exit_code == 0, done.output
    assert "toy/0.flac" in done.stdout
    with (root / "to.csv").open(newline="") as file:
        assert {row["path"] for row in csv.DictReader(file)} >= {"0.flac"}


def test_a_split_without_its_audio_is_refused_in_one_line(root: Path):
    message = refused("data", "audit", root / "split.parquet", "--store", root / "models")

    assert "--audio-store is required with a split" in message
