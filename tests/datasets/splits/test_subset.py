"""A subset keeps whole artists, the shares of tags, and the test part; a seed decides."""

from collections import Counter

import pytest

from app.datasets.splits.subset import take_subset
from app.datasets.tracks import Split, SplitTrack, Subset, Track
from app.errors import SetupError

PARTS = (Subset.TRAIN, Subset.VALIDATION, Subset.TEST, Subset.UNLABELLED)


def split(artists: int = 400) -> Split:
    """Three tracks of each artist; one artist in ten has the tag `rare` too."""
    placed = []
    for number in range(3 * artists):
        artist = number // 3
        part = PARTS[artist % 4]
        tags = ("common", "rare") if artist // 4 % 10 == 0 else ("common",)
        tags = () if part is Subset.UNLABELLED else tags
        track = Track(f"{number:04}", "made", f"{number}.mp3", f"artist {artist}", tags)
        placed.append(SplitTrack(track, part, 1 + number % 2))
    return Split("made", ("common", "rare"), "made", tuple(placed))


def test_a_share_of_each_part_but_the_test_is_taken_with_whole_artists() -> None:
    whole, small = split(), take_subset(split(), 0.2, seed=1)
    for part in PARTS:
        share = len(small.part(part)) / len(whole.part(part))
        assert share == (1 if part is Subset.TEST else pytest.approx(0.2, abs=0.03)), part
    artists = Counter(each.track.artist for each in small.placed)
    assert set(artists.values()) == {3}
    assert set(small.placed) <= set(whole.placed)


def test_tags_keep_their_shares() -> None:
    tracks = take_subset(split(), 0.2, seed=1).part(Subset.TRAIN)
    rare = sum("rare" in each.track.tags for each in tracks) / len(tracks)
    assert rare == pytest.approx(0.1, abs=0.03)


def test_the_seed_and_nothing_else_decides() -> None:
    first = take_subset(split(), 0.2, seed=1)
    whole = split()
    turned = Split(whole.task, whole.tags, whole.name, whole.placed[::-1])
    assert first.fingerprint == take_subset(turned, 0.2, seed=1).fingerprint
    assert first.fingerprint != take_subset(split(), 0.2, seed=2).fingerprint
    assert first.name == "made; a share of 0.2 of training and validation, seed 1"


def test_a_share_of_1_is_the_split_itself() -> None:
    assert take_subset(split(4), 1.0, seed=1) == split(4)


@pytest.mark.parametrize("share", [0, -0.1, 1.5, float("nan")])
def test_what_is_not_a_share_is_refused(share: float) -> None:
    with pytest.raises(SetupError, match="expected above 0 and at most 1"):
        take_subset(split(4), share, seed=1)
