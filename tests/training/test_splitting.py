"""No track and no artist in two parts, tags in their shares; planted leaks are found."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import SetupError
from app.training.leaks import OFFICIAL, check_leaks, find_leaks
from app.training.splitting import PARTS, divide, official
from app.training.tracks import Merged, Part, Placed, Split, Track, track_id

TAGS = ("ambient", "techno", "metal")


def track(number: int, artist: str, *tags: str, dataset: str = "fma") -> Track:
    path = f"{number:06}.mp3"
    return Track(track_id(dataset, path), dataset, path, artist, tags)


def many(artists: int, seed: int = 0) -> Merged:
    rng = np.random.default_rng(seed)
    tracks = [
        track(artist * 100 + number, f"artist {artist}", TAGS[artist % 3], TAGS[rng.integers(3)])
        for artist in range(artists)
        for number in range(rng.integers(1, 9))
    ]
    cleaned = [replace(each, tags=tuple(dict.fromkeys(each.tags))) for each in tracks]
    return Merged("subgenres", TAGS, tuple(cleaned))


tables = st.lists(
    st.tuples(st.integers(0, 12), st.lists(st.sampled_from(TAGS), unique=True)), min_size=6
).map(
    lambda rows: Merged(
        "subgenres",
        TAGS,
        tuple(
            track(number, f"artist {artist}" if artist else "", *tags)
            for number, (artist, tags) in enumerate(rows)
        ),
    )
)


@given(tables, st.integers(0, 5))
@settings(deadline=None)
def test_whatever_the_tracks_are_nothing_leaks(merged: Merged, seed: int) -> None:
    try:
        split = divide(merged, seed=seed).split
    except SetupError as error:
        assert "artists can't be divided" in str(error)
        return
    check_leaks(split)
    ids = [each.track.id for each in split.placed]
    assert len(ids) == len(set(ids))
    labelled = {each.id for each in merged.tracks if each.tags}
    assert labelled == {each.track.id for part in PARTS for each in split.part(part)}
    assert not any(each.track.tags for each in split.part(Part.UNLABELLED))


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=10)
def test_the_order_of_the_tracks_does_not_matter(shuffling: "object") -> None:
    merged = many(40)
    tracks = list(merged.tracks)
    shuffling.shuffle(tracks)  # type: ignore[attr-defined]
    assert divide(replace(merged, tracks=tuple(tracks))).split == divide(merged).split


def test_a_seed_makes_the_split_and_another_seed_another_one() -> None:
    merged = many(60)
    assert divide(merged, seed=1).split.placed == divide(merged, seed=1).split.placed
    assert divide(merged, seed=1).split.placed != divide(merged, seed=2).split.placed


def test_parts_and_tags_have_their_shares() -> None:
    split = divide(many(600)).split
    counts = {part: split.part(part) for part in PARTS}
    total = sum(map(len, counts.values()))
    for part, share in zip(PARTS, (0.85, 0.10, 0.05), strict=True):
        assert len(counts[part]) / total == pytest.approx(share, rel=0.2)
        for tag in TAGS:
            having = [
                sum(tag in each.track.tags for each in counts[each_part]) for each_part in PARTS
            ]
            own = sum(tag in each.track.tags for each in counts[part])
            assert own / sum(having) == pytest.approx(share, rel=0.25)


def test_a_tag_that_a_part_lacks_is_named() -> None:
    merged = many(30)
    rare = replace(merged.tracks[0], tags=("rare",))
    divided = divide(Merged("own", (*TAGS, "rare"), (rare, *merged.tracks[1:])))
    assert sum("rare" in tags for tags in divided.lacking.values()) == 2


def test_tracks_of_unknown_artists_are_counted() -> None:
    merged = many(30)
    tracks = (replace(merged.tracks[0], artist=""), *merged.tracks[1:])
    assert divide(replace(merged, tracks=tracks)).unknown_artists == 1


def test_what_has_no_tags_is_unlabelled_unless_its_artist_is_asked_for() -> None:
    merged = many(60)
    silent = [track(90_000 + number, f"artist {number}") for number in range(60)]
    divided = divide(replace(merged, tracks=(*merged.tracks, *silent)))
    unlabelled = divided.split.part(Part.UNLABELLED)
    assert 0 < len(unlabelled) < 60
    assert len(unlabelled) + sum(divided.left_out.values()) == 60
    check_leaks(divided.split)


def test_shares_have_to_add_up() -> None:
    with pytest.raises(SetupError, match="shares"):
        divide(many(30), (0.8, 0.1, 0.2))


def _plant_track(split: Split) -> Split:
    stolen = split.part(Part.TRAIN)[0]
    return replace(split, placed=(*split.placed, Placed(stolen.track, Part.TEST)))


def _plant_artist(split: Split) -> Split:
    known = split.part(Part.TRAIN)[0].track.artist
    asked = split.part(Part.VALIDATION)[0]
    others = tuple(each for each in split.placed if each is not asked)
    planted = replace(asked, track=replace(asked.track, artist=known))
    return replace(split, placed=(*others, planted))


def _plant_in_unlabelled(split: Split) -> Split:
    asked = split.part(Part.TEST)[0].track.artist
    return replace(split, placed=(*split.placed, Placed(track(77_777, asked), Part.UNLABELLED)))


@pytest.mark.parametrize("plant", [_plant_track, _plant_artist, _plant_in_unlabelled])
def test_a_planted_leak_is_found(plant: Callable[[Split], Split]) -> None:
    split = divide(many(60)).split
    check_leaks(split)
    with pytest.raises(SetupError, match="leaks"):
        check_leaks(plant(split))


def test_the_same_audio_under_two_ids_is_found() -> None:
    split = divide(many(60)).split
    one, other = split.part(Part.TRAIN)[0].track.id, split.part(Part.TEST)[0].track.id
    check_leaks(split, {one: "a" * 64, other: "b" * 64})
    with pytest.raises(SetupError, match="same audio"):
        check_leaks(split, {one: "a" * 64, other: "a" * 64})


def test_an_official_split_is_taken_as_it_is_and_its_shared_artists_are_told() -> None:
    tracks = tuple(track(number, "one artist", "ambient") for number in range(3))
    parts = {each.id: part for each, part in zip(tracks, PARTS, strict=True)}
    outside = track(9, "another", "techno")
    divided = official(Merged("subgenres", TAGS, (*tracks, outside)), parts, "mtat-clean")
    assert divided.split.name.startswith(OFFICIAL)
    check_leaks(divided.split)
    assert find_leaks(divided.split).artists == ("one artist",)
    assert sum(divided.left_out.values()) == 1
