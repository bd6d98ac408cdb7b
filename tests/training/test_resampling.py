"""Training hears tags more evenly, each dataset keeping its share; nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.training.resampling import MAX_COPIES, resample, tag_counts
from app.training.splitting import divide
from app.training.tracks import Merged, Part, Split, Track, track_id

TAGS = ("rock", "metal", "chiptune")
CHANCES = (0.9, 0.2, 0.05)


def split(seed: int = 0, artists: int = 300) -> Split:
    rng = np.random.default_rng(seed)
    tracks = []
    for number in range(artists * 4):
        dataset = "mtat" if rng.random() < 0.25 else "fma"
        tags = tuple(
            tag for tag, chance in zip(TAGS, CHANCES, strict=True) if rng.random() < chance
        )
        path = f"{number}.mp3"
        artist = f"artist {number // 4}"
        tracks.append(Track(track_id(dataset, path), dataset, path, artist, tags or ("rock",)))
    return divide(Merged("own", TAGS, tuple(tracks))).split


@given(st.integers(1, 2_000), st.integers(0, 9))
@settings(deadline=None, max_examples=15)
def test_only_training_changes_and_copies_are_bounded(target: int, seed: int) -> None:
    before = split()
    after = resample(before, target, seed)
    for part in (Part.VALIDATION, Part.TEST):
        assert after.part(part) == before.part(part)
    assert [each.track for each in after.placed] == [each.track for each in before.placed]
    assert all(0 <= each.copies <= MAX_COPIES for each in after.placed)


def test_every_tag_meets_the_target_as_far_as_copies_allow() -> None:
    before = split()
    was, now = (
        tag_counts(each.part(Part.TRAIN)) for each in (before, resample(before, 200, seed=1))
    )
    assert max(was.values()) / min(was.values()) > 10
    assert max(now.values()) / min(now.values()) < 6
    assert all(now[tag] >= min(200, was[tag] * MAX_COPIES) for tag in TAGS)


def test_a_rare_tag_s_tracks_are_heard_about_equally_often() -> None:
    after = resample(split(), 200, seed=1)
    copies = [each.copies for each in after.part(Part.TRAIN) if each.track.tags == ("chiptune",)]
    assert copies
    assert max(copies) - min(copies) <= 1


def test_each_dataset_keeps_its_share_of_a_tag() -> None:
    before = split(artists=600)
    after = resample(before, 150, seed=1)

    def share(of: Split, tag: str) -> float:
        heard = [
            (each.track.dataset, each.copies)
            for each in of.part(Part.TRAIN)
            if each.track.tags == (tag,)
        ]
        return sum(copies for dataset, copies in heard if dataset == "mtat") / sum(
            copies for _, copies in heard
        )

    for tag in ("rock", "chiptune"):
        assert share(after, tag) == pytest.approx(share(before, tag), abs=0.06)


def test_a_seed_makes_it_and_the_name_tells_of_it() -> None:
    before = split()
    assert resample(before, 100, seed=1) == resample(before, 100, seed=1)
    assert resample(before, 100, seed=1).fingerprint != resample(before, 100, seed=2).fingerprint
    assert "100 a tag" in resample(before, 100, seed=1).name
    shuffled = replace(before, placed=before.placed[::-1])
    assert resample(shuffled, 100, seed=1).fingerprint == resample(before, 100, 1).fingerprint
