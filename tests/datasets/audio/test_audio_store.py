"""Decoded once and read as it was; killed at any moment, the end is the same; damage has a name."""

import filecmp
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.datasets.audio import storing
from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.storing import Stored, store_tracks
from app.datasets.tables import write_split
from app.datasets.tracks import Split
from app.errors import SetupError
from tests.datasets.audio.killed import moments, run_killed
from tests.support.toy import RATE, SECONDS, toy_sound, toy_split, toy_store

TRACKS = 12


@pytest.fixture(scope="module")
def split() -> Split:
    return toy_split(TRACKS)


@pytest.fixture(scope="module")
def root(split: Split, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toy")
    toy_store(root, split)
    return root


def fill(root: Path, to: Path, split: Split, sample_rate: int = RATE, channels: int = 1) -> Stored:
    return store_tracks(
        [each.track for each in split.placed],
        root / "audio",
        to,
        sample_rate=sample_rate,
        jobs=2,
        on_progress=lambda *_: None,
        channels=channels,
    )


def test_stored_tracks_have_the_samples_that_the_service_decodes(root: Path, split: Split) -> None:
    store = AudioStore.open(root / f"store-{RATE}")
    first = split.placed[0].track
    samples = store.samples(first.id)
    assert store.length(first.id) == len(samples) == SECONDS * RATE
    assert samples.astype(float) / 32_768 == pytest.approx(toy_sound("low", 0), abs=2e-4)
    assert len(store) == TRACKS
    store.verify()


def test_another_sample_rate_needs_another_folder(root: Path, split: Split) -> None:
    fill(root, root / "half", split, RATE // 2)
    first = split.placed[0].track.id
    assert AudioStore.open(root / "half").length(first) == SECONDS * RATE // 2
    with pytest.raises(SetupError, match="another folder"):
        fill(root, root / "half", split, RATE)


def test_a_stereo_store_has_both_channels_and_a_folder_of_its_own(
    root: Path, split: Split, tmp_path: Path
) -> None:
    shutil.copytree(root / "audio", tmp_path / "audio")
    sides = np.stack([toy_sound("low", 0), toy_sound("high", 1)], axis=1)
    split = replace(split, placed=(split.placed[0], split.placed[3]))
    both, mono = (each.track for each in split.placed)
    soundfile.write(tmp_path / "audio" / "toy" / both.path, sides, RATE)

    fill(tmp_path, tmp_path / "store", split, channels=2)

    store = AudioStore.open(tmp_path / "store")
    store.verify()
    assert store.length(both.id) == SECONDS * RATE
    assert store.samples(both.id) / 32_768 == pytest.approx(sides, abs=2e-4)
    twice = np.stack([toy_sound("low", 3)] * 2, axis=1)
    assert store.samples(mono.id) / 32_768 == pytest.approx(twice, abs=2e-4)
    assert fill(tmp_path, tmp_path / "store", split, channels=2).added == 0
    with pytest.raises(
        SetupError, match=r"16000 Hz in stereo, not 16000 Hz in mono; .* another folder"
    ):
        fill(tmp_path, tmp_path / "store", split)


def test_stored_tracks_are_not_decoded_again(root: Path, split: Split) -> None:
    again = fill(root, root / f"store-{RATE}", split)
    assert (again.added, again.known) == (0, TRACKS)


def test_broken_files_are_reported_and_the_others_are_stored(
    root: Path, split: Split, tmp_path: Path
) -> None:
    shutil.copytree(root / "audio", tmp_path / "audio")
    broken, missing = split.placed[5].track, split.placed[7].track
    (tmp_path / "audio" / "toy" / broken.path).write_bytes(b"<html>Not found</html>")
    (tmp_path / "audio" / "toy" / missing.path).unlink()
    stored = fill(tmp_path, tmp_path / "store", split)
    assert stored.added == TRACKS - 2
    assert list(stored.refused) == [broken.id]
    assert list(stored.unread) == [missing.id]
    assert broken.id not in AudioStore.open(tmp_path / "store")


def test_a_repaired_file_is_decoded_later(root: Path, split: Split, tmp_path: Path) -> None:
    shutil.copytree(root / "audio", tmp_path / "audio")
    path = tmp_path / "audio" / "toy" / split.placed[0].track.path
    right = path.read_bytes()
    path.write_bytes(b"broken")
    fill(tmp_path, tmp_path / "store", split)
    path.write_bytes(right)
    assert fill(tmp_path, tmp_path / "store", split).added == 1


def test_one_flipped_bit_is_found_and_named(root: Path, split: Split, tmp_path: Path) -> None:
    shutil.copytree(root / f"store-{RATE}", tmp_path / "store")
    shard = next((tmp_path / "store" / "shards").glob("*.pcm"))
    data = bytearray(shard.read_bytes())
    data[1_000] ^= 1
    shard.write_bytes(data)
    with pytest.raises(SetupError, match=shard.stem):
        AudioStore.open(tmp_path / "store").verify()
    shard.write_bytes(data[:-100])
    with pytest.raises(SetupError, match=shard.stem):
        AudioStore.open(tmp_path / "store")


def test_a_folder_that_is_not_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="taggram data store"):
        AudioStore.open(tmp_path)


STORE = """
from pathlib import Path
from app.datasets.audio import storing
from app.datasets.tables import read_split
storing.TRACKS_A_SHARD = 2
split, audio, to = map(Path, sys.argv[1:])
tracks = [each.track for each in read_split(split).placed]
storing.store_tracks(tracks, audio, to, sample_rate=16_000, jobs=2, on_progress=print)
"""


@moments
def test_repeated_kills_do_not_change_the_result(
    moments: Sequence[int],
    root: Path,
    split: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "TRACKS_A_SHARD", 2)
    write_split(tmp_path / "split.parquet", split)
    for moment in moments:
        where = (tmp_path / "split.parquet", root / "audio", tmp_path / "parts")
        run_killed(STORE, moment, *where)
    for name in ("whole", "parts"):
        fill(root, tmp_path / name, split)
    whole, parts = (sorted((tmp_path / name / "shards").iterdir()) for name in ("whole", "parts"))
    assert [path.name for path in whole] == [path.name for path in parts]
    for one, other in zip(whole, parts, strict=True):
        assert filecmp.cmp(one, other, shallow=False)


def test_samples_are_memory_mapped_read_only(root: Path, split: Split) -> None:
    samples = AudioStore.open(root / f"store-{RATE}").samples(split.placed[3].track.id)
    assert samples.dtype == np.int16
    assert not samples.flags.writeable
