"""Splits: nothing in two parts, tags evenly in all three, the same one for a seed."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.loaders import fma, mtat, mtg_jamendo
from app.datasets.loaders.official import official_split
from app.datasets.splits.leaks import OFFICIAL, check_leaks
from app.datasets.splits.splitting import OUTSIDE, PARTS, SHARES, UNTAGGED, divide, official
from app.datasets.tables import read_split, write_merged
from app.datasets.tracks import Merged, Split, SplitTrack, Subset, Track, track_id
from app.errors import SetupError
from tests.conftest import REPOSITORY
from tests.datasets.loaders.test_loaders import MINIATURE
from tests.support.commands import files_of_at_most, refused, taggram

METADATA = REPOSITORY.parent / "shared" / "metadata"

TAGS = tuple("abcdef")


def track(path: str, artist: str, *tags: str, dataset: str = "mine") -> Track:
    return Track(track_id(dataset, path), dataset, path, artist, tags)


@st.composite
def merges(draw: st.DrawFn, most_tags: int = 3) -> Merged:
    """Few tracks of some artists, named and unnamed; some of them without tags."""
    tags = st.lists(st.sampled_from(TAGS), max_size=most_tags, unique=True)
    artist = st.sampled_from(["", *(f"artist {number}" for number in range(9))])
    rows = draw(st.lists(st.tuples(artist, tags), min_size=15, max_size=60))
    tracks = (track(str(number), who, *has) for number, (who, has) in enumerate(rows))
    return Merged("letters", TAGS, tuple(tracks))


def large(artists: int = 60) -> Merged:
    """A few hundred tracks, of artists of all sizes."""
    chance = random.Random(7)
    tracks = (
        track(str(number), f"artist {int(artists * chance.random() ** 2)}", chance.choice(TAGS))
        for number in range(400)
    )
    return Merged("letters", TAGS, tuple(tracks))


@pytest.fixture(scope="module")
def jamendo() -> Merged:
    """The genres of 55,094 real tracks."""
    folder = METADATA / "mtg-jamendo"
    if not folder.is_dir():
        pytest.skip(f"MTG-Jamendo's metadata are not at {folder}")
    tracks = mtg_jamendo.load(folder, "genre").tracks
    tags = sorted({tag for each in tracks for tag in each.tags})
    return Merged("genre", tuple(tags), tracks)


# no track and no artist in two parts


@given(merged=merges(), seed=st.integers(0, 2**32 - 1))
def test_each_artist_is_in_one_subset_and_each_track_is_accounted_for(
    merged: Merged, seed: int
) -> None:
    try:
        divided = divide(merged, seed=seed)
    except SetupError as error:
        assert "artists with tags are too few" in str(error)  # noqa: PT017 - it need not come
        return

    sides = defaultdict(set)
    for each in divided.split.placed:
        assert (each.part is Subset.UNLABELLED) == (not each.track.tags)
        assert each.repeats == 1
        sides[each.track.artist or each.track.id].add(each.part)
    assert all(len(parts - {Subset.UNLABELLED}) < 2 for parts in sides.values())
    assert not any(
        parts > {Subset.UNLABELLED} and Subset.TRAIN not in parts for parts in sides.values()
    )
    left_out = set(merged.tracks) - {each.track for each in divided.split.placed}
    assert len(merged.tracks) == len(divided.split.placed) + len(left_out)
    assert divided.left_out.get(UNTAGGED, 0) == len(left_out)
    for each in left_out:
        assert not each.tags
        assert sides[each.artist] in ({Subset.VALIDATION}, {Subset.TEST})
    assert check_leaks(divided.split).artists == ()


@given(merged=merges())
def test_tags_without_a_positive_in_a_subset_are_named(merged: Merged) -> None:
    try:
        divided = divide(merged)
    except SetupError:
        return

    for part in PARTS:
        there = {tag for each in divided.split.part(part) for tag in each.track.tags}
        assert there
        assert there.isdisjoint(divided.lacking[part])
        assert there.union(divided.lacking[part]) == set(TAGS)


def test_tracks_of_unknown_artists_are_counted_and_separated() -> None:
    tracks = tuple(track(str(number), "", "a") for number in range(100))

    divided = divide(Merged("letters", TAGS, tracks))

    assert divided.unknown_artists == 100
    assert [len(divided.split.part(part)) for part in PARTS] == [85, 10, 5]


# the same split for a seed


@given(merged=merges(), chance=st.randoms(use_true_random=False))
def test_the_order_of_tracks_does_not_matter(merged: Merged, chance: random.Random) -> None:
    shuffled = replace(merged, tracks=tuple(chance.sample(merged.tracks, len(merged.tracks))))
    try:
        divided = divide(merged)
    except SetupError:
        return

    assert divide(shuffled) == divided


def test_another_seed_gives_another_split() -> None:
    first, again, second = (divide(large(), seed=seed).split for seed in (1, 1, 2))

    assert first.fingerprint == again.fingerprint != second.fingerprint
    assert first.name == "artists apart, 0.85/0.1/0.05, seed 1"
    assert second.name == "artists apart, 0.85/0.1/0.05, seed 2"


def test_shares_are_met() -> None:
    split = divide(large(), (0.5, 0.3, 0.2)).split

    found = [len(split.part(part)) / len(split.placed) for part in PARTS]
    assert found == pytest.approx([0.5, 0.3, 0.2], abs=0.05)


# tags


@given(
    artists=st.lists(st.sampled_from(TAGS), min_size=3, max_size=40),
    seed=st.integers(0, 100),
)
def test_three_artists_of_one_genre_are_enough_for_three_subsets(
    artists: Sequence[str], seed: int
) -> None:
    known = Counter(artists)
    if max(known.values()) < len(PARTS):
        return
    tracks = (track(str(number), f"artist {number}", tag) for number, tag in enumerate(artists))

    divided = divide(Merged("letters", TAGS, tuple(tracks)), seed=seed)

    for lacking in divided.lacking.values():
        assert all(known[tag] < len(PARTS) for tag in lacking)


def deviation(split: Split) -> float:
    """The relative error of a tag's share in the test subset."""
    all_parts = Counter(tag for each in split.placed for tag in each.track.tags)
    test = Counter(tag for each in split.part(Subset.TEST) for tag in each.track.tags)
    preferred = SHARES[2]
    return float(np.median([abs(test[tag] / all_parts[tag] / preferred - 1) for tag in split.tags]))


def at_random(merged: Merged) -> Split:
    """Artists drawn without a look at their tags."""
    artists = sorted({each.artist for each in merged.tracks})
    drawn = np.random.default_rng(1).choice(len(PARTS), len(artists), p=SHARES)
    part_of = dict(zip(artists, drawn, strict=True))
    placed = (SplitTrack(each, PARTS[part_of[each.artist]]) for each in merged.tracks)
    return Split(merged.task, merged.tags, "random", tuple(placed))


@pytest.mark.thorough
def test_real_tags_keep_their_shares_better_than_at_random(jamendo: Merged) -> None:
    divided = divide(jamendo)

    found = [len(divided.split.part(part)) / len(divided.split.placed) for part in PARTS]
    assert found == pytest.approx(SHARES, abs=0.02)
    assert deviation(divided.split) < 0.6 * deviation(at_random(jamendo))
    assert not any(divided.lacking.values())
    check_leaks(divided.split)


# leaks

LEAK_FREE = Split(
    "letters",
    TAGS,
    "by hand",
    (
        SplitTrack(track("1.mp3", "Ana", "a"), Subset.TRAIN),
        SplitTrack(track("2.mp3", "Bo", "a"), Subset.VALIDATION),
        SplitTrack(track("3.mp3", "Cy", "a"), Subset.TEST),
        SplitTrack(track("4.mp3", "Ana"), Subset.UNLABELLED),
        SplitTrack(track("5.mp3", "", "a"), Subset.TRAIN),
        SplitTrack(track("6.mp3", "", "a"), Subset.TEST),
    ),
)

DIGESTS = {each.track.id: each.track.path for each in LEAK_FREE.placed}


def leaking(*placed: SplitTrack) -> Split:
    return replace(LEAK_FREE, placed=LEAK_FREE.placed + placed)


def test_a_split_without_leaks_passes() -> None:
    assert check_leaks(LEAK_FREE, DIGESTS) == check_leaks(LEAK_FREE)


@pytest.mark.parametrize("part", [Subset.TRAIN, Subset.VALIDATION, Subset.UNLABELLED])
def test_a_track_in_two_subsets_is_refused(part: Subset) -> None:
    split = leaking(SplitTrack(LEAK_FREE.placed[2].track, part))

    with pytest.raises(SetupError, match=r"'by hand' leaks.* the tracks mine/3\.mp3"):
        check_leaks(split)


@pytest.mark.parametrize("part", [Subset.TRAIN, Subset.VALIDATION, Subset.UNLABELLED])
def test_an_artist_in_two_subsets_is_refused(part: Subset) -> None:
    split = leaking(SplitTrack(track("7.mp3", "Cy", "a"), part))

    with pytest.raises(SetupError, match="leaks: in more than one part are the artists Cy;"):
        check_leaks(split)


@pytest.mark.parametrize("name", ["by hand", f"{OFFICIAL}mtat-clean"])
def test_equal_files_in_two_subsets_are_refused(name: str) -> None:
    split = replace(LEAK_FREE, name=name)
    first, second = LEAK_FREE.placed[1].track.id, LEAK_FREE.placed[5].track.id

    with pytest.raises(SetupError, match=r"the identical files mine/2\.mp3 = mine/6\.mp3;"):
        check_leaks(split, {first: "same", second: "same"})


def test_equal_files_in_one_subset_pass() -> None:
    check_leaks(LEAK_FREE, {LEAK_FREE.placed[0].track.id: "x", LEAK_FREE.placed[4].track.id: "x"})


def test_unused_tracks_do_not_leak() -> None:
    check_leaks(leaking(SplitTrack(track("7.mp3", "Cy", "a"), Subset.TRAIN, repeats=0)))


def test_many_leaks_are_abbreviated() -> None:
    split = leaking(
        *(
            SplitTrack(track(f"{name} {part}", name, "a"), part)
            for name in "DEFGHIJ"
            for part in (Subset.TRAIN, Subset.TEST)
        )
    )

    with pytest.raises(SetupError, match="the artists D, E, F, G, H and 2 more;"):
        check_leaks(split)


# official splits


def test_an_official_split_is_used_unchanged_and_its_shared_artists_are_reported() -> None:
    tracks = [track(str(number), f"artist {number % 2}", "a") for number in range(6)]
    silent = [track("7", "artist 0"), track("8", "artist 1")]
    parts = {each.id: part for each, part in zip(tracks, [*PARTS, Subset.TEST], strict=False)}
    parts |= {silent[0].id: Subset.TRAIN, silent[1].id: Subset.TEST}

    divided = official(Merged("letters", TAGS, (*tracks, *silent)), parts, "theirs")

    found = {each.track.path: each.part for each in divided.split.placed}
    assert found == {
        "0": Subset.TRAIN,
        "1": Subset.VALIDATION,
        "2": Subset.TEST,
        "3": Subset.TEST,
        "7": Subset.UNLABELLED,
    }
    assert divided.left_out == {OUTSIDE: 2, UNTAGGED: 1}
    assert divided.split.name == "official theirs"
    assert check_leaks(divided.split).artists == ("artist 0", "artist 1")


def test_an_official_split_of_another_dataset_is_refused() -> None:
    with pytest.raises(SetupError, match="no track is in the official split 'fma'"):
        official(large(), {track_id("fma", "1"): Subset.TRAIN}, "fma")


@pytest.mark.thorough
def test_the_split_of_mtg_jamendo_has_each_artist_in_one_subset(jamendo: Merged) -> None:
    parts = official_split("mtg-jamendo-0", METADATA / "mtg-jamendo")

    divided = official(jamendo, parts, "mtg-jamendo-0")

    assert check_leaks(divided.split).artists == ()
    assert len(divided.split.placed) + divided.left_out.get(OUTSIDE, 0) == len(jamendo.tracks)


@pytest.mark.thorough
def test_the_split_of_magnatagatune_shares_artists() -> None:
    folder = METADATA / "mtat"
    if not folder.is_dir():
        pytest.skip(f"MagnaTagATune's metadata are not at {folder}")
    tracks = mtat.load(folder).tracks
    merged = Merged("raw", tuple({tag for each in tracks for tag in each.tags}), tracks)

    divided = official(merged, official_split("mtat-clean", folder), "mtat-clean")

    assert [len(divided.split.part(part)) for part in PARTS] == [15_244, 1_529, 4_332]
    assert len(check_leaks(divided.split).artists) > 50


# impossible splits


@pytest.mark.parametrize(
    "shares",
    [(0.9, 0.1), (0.85, 0.15, 0.0), (1.1, -0.2, 0.1), (0.5, 0.5, 0.5), (0.9, 0.1, float("nan"))],
)
def test_shares_that_do_not_sum_to_one_are_refused(shares: Sequence[float]) -> None:
    with pytest.raises(
        SetupError, match=r"are not three positive shares that add up to 1, such as \.85 \.1 \.05"
    ):
        divide(large(), shares)


@pytest.mark.parametrize("artists", [0, 1, 2])
def test_fewer_artists_than_subsets_are_refused(artists: int) -> None:
    tracks = (
        track(str(number), f"artist {number % artists}", "a") for number in range(9 * artists)
    )

    with pytest.raises(SetupError, match=f"^{artists} artists with tags are too few"):
        divide(Merged("letters", TAGS, tuple(tracks)))


def test_a_duplicate_track_is_refused() -> None:
    merged = large()
    twice = replace(merged, tracks=(*merged.tracks, replace(merged.tracks[3], artist="another")))

    with pytest.raises(SetupError, match=r"the track mine/3 is in the table twice;"):
        divide(twice)
    with pytest.raises(SetupError, match=r"the track mine/3 is in the table twice;"):
        official(twice, {}, "theirs")


def test_tags_of_another_task_are_refused() -> None:
    with pytest.raises(SetupError, match=r"mine/\d+ has tags that are not in 'letters': f;"):
        divide(replace(large(), tags=TAGS[:-1]))


# as a command


@pytest.fixture
def merged_file(tmp_path: Path) -> Path:
    path = tmp_path / "merged.parquet"
    rare = track("rare", "artist 1", "[b]rare")
    tracks = (*large().tracks, rare, track("whose", "", "a"), track("silent", ""))
    write_merged(path, Merged("letters", (*TAGS, "[b]rare"), tracks))
    return path


def rows(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.replace("│", " ").splitlines()]


def test_a_split_is_written_and_its_subsets_are_shown(merged_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "split.parquet"
    options = ("--seed", "3", "--shares", ".8", ".1", ".1", "--target", "90")

    output = taggram("data", "split", merged_file, target, *options)

    assert output.exit_code == 0, output.stderr
    made = read_split(target)
    assert made.name == "artists apart, 0.8/0.1/0.1, seed 3; 90 a tag, seed 3"
    assert f"{made.name}, fingerprint {made.fingerprint[:16]}" in output.stdout
    test = made.part(Subset.TEST)
    assert ["test", str(len(test)), str(len({each.track.artist for each in test}))] in [
        row[:3] for row in rows(output.stdout)
    ]
    assert ["unlabelled", "1", "1", "-"] in rows(output.stdout)
    assert any(row[:2] == ["[b]rare", "validation,"] for row in rows(output.stderr))
    assert "2 tracks have unknown artists" in output.stderr
    assert ["[b]rare", "1", "10"] in rows(output.stdout)
    assert "Tags with fewer than 90 tracks an epoch: [b]rare." in output.stderr


def test_an_official_split_reports_omitted_tracks_and_shared_artists(tmp_path: Path) -> None:
    source, target = tmp_path / "merged.parquet", tmp_path / "split.parquet"
    theirs = fma.load(MINIATURE / "fma").tracks
    tracks = (*(replace(each, artist="one", tags=("a",)) for each in theirs), track("x", "me", "a"))
    write_merged(source, Merged("letters", ("a",), tracks))

    output = taggram(
        "data", "split", source, target, "--official", "fma", "--metadata", MINIATURE / "fma"
    )

    assert output.exit_code == 0, output.stderr
    assert read_split(target).name == "official fma"
    assert "1 tracks are left out: in no part of the official split." in output.stderr
    assert "1 artists are in more than one part of this official split." in output.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--shares", ".5", ".1", ".1"), "0.5 0.1 0.1 are not three positive shares"),
        (("--official", "mtat-clean"), "--official and --metadata must be given together"),
        (("--metadata", "."), "--official and --metadata must be given together"),
        (("--official", "theirs", "--metadata", "."), "the official split 'theirs' does not exist"),
    ],
)
def test_an_impossible_split_is_reported_in_one_line(
    merged_file: Path, tmp_path: Path, arguments: tuple[object, ...], words: str
) -> None:
    assert words in refused("data", "split", merged_file, tmp_path / "split.parquet", *arguments)
    assert list(tmp_path.iterdir()) == [merged_file]


def test_a_broken_merge_is_named(merged_file: Path, tmp_path: Path) -> None:
    merged_file.write_bytes(merged_file.read_bytes()[:-100])

    output = refused("data", "split", merged_file, tmp_path / "split.parquet")

    assert f"{merged_file}: can't be read" in output


def test_a_full_disk_leaves_the_old_file(merged_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "split.parquet"
    target.write_text("the last one")

    with files_of_at_most(500):
        output = refused("data", "split", merged_file, target)

    assert f"{target}: it can't be written" in output
    assert target.read_text() == "the last one"
    assert sorted(tmp_path.iterdir()) == [merged_file, target]
