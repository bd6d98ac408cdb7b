"""Resampling: tags are evened out in training, and nowhere else."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.loaders import mtg_jamendo
from app.datasets.splits.resampling import MAX_COPIES, resample, tag_counts
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from app.errors import SetupError
from tests.conftest import REPOSITORY

METADATA = REPOSITORY.parent / "shared" / "metadata"

TAGS = tuple("abcdef")


def placed(number: int, dataset: str, part: Subset, *tags: str) -> SplitTrack:
    path = f"{number}.mp3"
    return SplitTrack(Track(track_id(dataset, path), dataset, path, str(number), tags), part)


def trained_on(*counts: tuple[str, str, int]) -> Split:
    """For each (dataset, tag, count) `count` tracks of training."""
    each = [(dataset, tag) for dataset, tag, count in counts for _ in range(count)]
    rows = (placed(index, name, Subset.TRAIN, tag) for index, (name, tag) in enumerate(each))
    return Split("letters", TAGS, "by hand", tuple(rows))


def counts_of(split: Split) -> Counter[str]:
    return Counter(tag_counts(split.part(Subset.TRAIN)))


@st.composite
def splits(draw: st.DrawFn) -> Split:
    tags = st.lists(st.sampled_from(TAGS), min_size=1, max_size=3, unique=True)
    dataset = st.sampled_from(["fma", "mtat", "mtg-jamendo"])
    part = st.sampled_from([Subset.TRAIN, Subset.TRAIN, *Subset])
    rows = draw(st.lists(st.tuples(dataset, part, tags), max_size=60))
    every = (placed(number, name, where, *has) for number, (name, where, has) in enumerate(rows))
    return Split("letters", TAGS, "by hand", tuple(every))


# properties of all


@given(split=splits(), target=st.integers(1, 700), seed=st.integers(0, 2**32 - 1))
def test_tags_reach_the_target_in_training_and_nothing_else_changes(
    split: Split, target: int, seed: int
) -> None:
    made = resample(split, target, seed)

    assert [each.track for each in made.placed] == [each.track for each in split.placed]
    assert [each.part for each in made.placed] == [each.part for each in split.placed]
    assert all(each.repeats == 1 for each in made.placed if each.part is not Subset.TRAIN)
    assert all(0 <= each.repeats <= MAX_COPIES for each in made.placed)
    before, after = counts_of(split), counts_of(made)
    assert after.keys() == before.keys()
    for tag, count in before.items():
        assert after[tag] >= min(target, MAX_COPIES * count)


@given(split=splits(), chance=st.randoms(use_true_random=False))
def test_the_order_of_tracks_does_not_matter(split: Split, chance: random.Random) -> None:
    shuffled = replace(split, placed=tuple(chance.sample(split.placed, len(split.placed))))

    assert resample(shuffled, 5, 1).fingerprint == resample(split, 5, 1).fingerprint


@given(split=splits())
def test_no_track_is_repeated_if_all_tags_reach_the_target(split: Split) -> None:
    target = min(counts_of(split).values(), default=1)

    assert all(each.repeats <= 1 for each in resample(split, target, 1).placed)


# drawing


def test_the_same_seed_draws_the_same_tracks_and_another_seed_others() -> None:
    split = trained_on(("fma", "a", 100))

    first, again, second = (resample(split, 20, seed) for seed in (1, 1, 2))

    assert first.fingerprint == again.fingerprint != second.fingerprint
    assert first.name == "by hand; 20 a tag, seed 1"


@given(
    counts=st.tuples(*[st.integers(1, 200)] * 3).filter(lambda counts: sum(counts) > 20),
    target=st.integers(1, 200),
)
def test_each_dataset_keeps_its_share_of_a_tag(counts: tuple[int, ...], target: int) -> None:
    datasets = ("fma", "mtat", "mtg-jamendo")
    split = trained_on(*((name, "a", count) for name, count in zip(datasets, counts, strict=True)))

    found: Counter[str] = Counter()
    for each in resample(split, target, 1).placed:
        found[each.track.dataset] += each.repeats

    assert sum(found.values()) == target
    for name, count in zip(datasets, counts, strict=True):
        assert abs(found[name] - target * count / sum(counts)) < 1


def test_repeats_are_spread_over_all_tracks() -> None:
    made = resample(trained_on(("fma", "a", 30)), 75, 1)

    assert Counter(each.repeats for each in made.placed) == {2: 15, 3: 15}


def test_a_very_rare_tag_stays_under_the_target() -> None:
    made = resample(trained_on(("fma", "a", 3), ("fma", "b", 200)), 100, 1)

    assert counts_of(made) == {"a": 3 * MAX_COPIES, "b": 100}


def test_a_track_is_repeated_as_often_as_its_rarest_tag_requires() -> None:
    both = placed(500, "fma", Subset.TRAIN, "a", "b")
    split = trained_on(("fma", "a", 99))

    made = resample(replace(split, placed=(*split.placed, both)), 5, 1)

    assert made.placed[-1].repeats == 5
    assert 9 <= counts_of(made)["a"] <= 10


def test_a_target_of_zero_is_refused() -> None:
    with pytest.raises(SetupError, match="target: 0 is not a valid number of tracks"):
        resample(trained_on(("fma", "a", 3)), 0, 1)


@pytest.mark.thorough
def test_real_tags_are_balanced() -> None:
    folder = METADATA / "mtg-jamendo"
    if not folder.is_dir():
        pytest.skip(f"MTG-Jamendo's metadata are not at {folder}")
    tracks = mtg_jamendo.load(folder, "genre").tracks
    counts = Counter(tag for each in tracks for tag in each.tags)
    tags = tuple(tag for tag, count in counts.items() if count >= 500)
    own = (replace(each, tags=tuple(filter(tags.__contains__, each.tags))) for each in tracks)
    split = Split("genres", tags, "all", tuple(SplitTrack(each, Subset.TRAIN) for each in own))

    before, after = counts_of(split), counts_of(resample(split, 1500, 1))

    assert max(before.values()) / min(before.values()) == pytest.approx(33, abs=1)
    assert max(after.values()) / min(after.values()) < 11
    assert min(after.values()) >= 1500
