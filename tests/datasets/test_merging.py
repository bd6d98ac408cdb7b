"""From cleaned datasets to the tracks of a task: merging, dropping, counting, refusals."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.cleaning import Cleaned, Step, clean
from app.datasets.loaders import mtat, mtg_jamendo
from app.datasets.loaders.dataset import About, Dataset
from app.datasets.merging import merge
from app.datasets.tables import read_merged
from app.datasets.tasks import TASKS, own_task, read_task
from app.datasets.tracks import Track, track_id
from app.errors import SetupError
from tests.conftest import REPOSITORY
from tests.support.commands import files_of_at_most, refused, taggram

METADATA = REPOSITORY.parent / "shared" / "metadata"

ABOUT = About("made for a test")

WORDS = [
    "Hip-Hop", "hip hop", "Rap", "New Age", "newage", "techno", "Chip Music", "no vocals", "man",
    "Soul-RnB", "americana", "guitar", "opera", "not english", "deephouse", "", "♥",
]  # fmt: skip


def track(dataset: str, path: str, *tags: str) -> Track:
    return Track(track_id(dataset, path), dataset, path, "artist", tags)


def cleaned(
    name: str, *tracks: Track, categories: Mapping[str, frozenset[str]] | None = None
) -> Cleaned:
    """A dataset from which cleaning took nothing."""
    return Cleaned(Dataset(name, ABOUT, tracks, categories or {}, ()), tracks, ())


def tags_of(task: str, *datasets: Cleaned) -> dict[str, tuple[str, ...]]:
    merged, _ = merge(read_task(task), datasets)
    return {each.path: each.tags for each in merged.tracks}


# mapping of tags


def test_tags_in_any_spelling_become_the_task_s_tags_in_its_order() -> None:
    tracks = (
        track("fma", "1", "Soul-RnB", "Hip-Hop", "hip hop", "Spoken", "Chip Music"),
        track("fma", "2", "Rock", "Country"),
    )

    assert tags_of("genres", cleaned("fma", *tracks)) == {
        "1": ("hiphop", "soulrnb"),
        "2": ("folk", "rock"),
    }


def test_each_dataset_has_its_own_dictionary() -> None:
    datasets = (
        cleaned("fma", track("fma", "1", "Blues")),
        cleaned(
            "mtg-jamendo",
            track("mtg-jamendo", "2", "blues"),
            categories={"blues": frozenset({"genre"})},
        ),
        cleaned("my blues", track("my blues", "3", "BLUES", "foreign")),
    )

    assert tags_of("genres", *datasets) == {"1": ("blues",), "2": ("rock",), "3": ("blues",)}


def test_a_tag_of_jamendo_counts_only_in_its_category() -> None:
    categories = {
        "dark": frozenset({"genre", "mood/theme"}),
        "bass": frozenset({"instrument"}),
        "beat": frozenset({"genre"}),
        "ambient": frozenset({"mood/theme"}),
        "techno": frozenset({"genre"}),
    }
    tracks = (track("mtg-jamendo", "1", *categories), track("mtg-jamendo", "2", "sad", "techno"))
    jamendo = cleaned("mtg-jamendo", *tracks, categories=categories)

    assert tags_of("moodthemes", jamendo) == {"1": ("bass", "dark")}
    assert tags_of("subgenres", jamendo) == {"1": ("techno",), "2": ("techno",)}


def test_tracks_dropped_by_cleaning_stay_dropped_and_removed_tags_are_still_mapped() -> None:
    tracks = (track("fma", "1", "Rock", "Shoegaze"), track("fma", "2", "Shoegaze"))
    dataset = Dataset("fma", ABOUT, tracks, {}, ())
    left = Cleaned(dataset, (track("fma", "1", "Rock"),), (Step("too long", 1, 2, 1),))

    assert tags_of("subgenres", left) == {"1": ("shoegaze",)}


def test_a_custom_task_uses_each_of_its_tags_and_equal_tags_of_other_datasets() -> None:
    own = cleaned(
        "mine", track("mine", "1", "Zouk Love"), track("mine", "2", "zouk-love", "Mákina")
    )
    fma = cleaned("fma", track("fma", "3", "Makina", "Zouklove"))
    task = own_task(word for each in own.tracks for word in each.tags)

    merged, _ = merge(task, (own, fma))

    assert merged.tags == ("Mákina", "Zouk Love")
    assert [each.tags for each in merged.tracks] == [
        ("Zouk Love",),
        ("Zouk Love",),
        ("Mákina", "Zouk Love"),
    ]


# counts


def test_dropped_and_merged_tracks_are_counted() -> None:
    tracks = (
        track("mtat", "1", "jazz", "jazzy", "not english"),
        track("mtat", "2", "lol"),
        track("mtat", "3", "foreign"),
    )

    merged, (counted,) = merge(read_task("genres"), [cleaned("mtat", *tracks)])

    assert [
        (step.tracks_dropped, step.tags_dropped, step.tracks_left) for step in counted.steps
    ] == [
        (1, 2, 2),
        (0, 1, 2),
    ]
    assert counted.words == {"jazz": {"jazz": 1, "jazzy": 1}, "international": {"foreign": 1}}
    assert len(merged.tags) == 19


# properties of all


@st.composite
def datasets(draw: st.DrawFn) -> list[Cleaned]:
    found = []
    for name in draw(st.sets(st.sampled_from(["fma", "mtat", "mtg-jamendo", "mine"]), min_size=1)):
        tags = draw(st.lists(st.lists(st.sampled_from(WORDS), unique=True), max_size=8))
        tracks = [track(name, f"{index}.mp3", *each) for index, each in enumerate(tags)]
        categories = dict.fromkeys(WORDS, frozenset({"genre", "instrument"}))
        found.append(cleaned(name, *tracks, categories=categories))
    return found


@given(st.sampled_from(TASKS), datasets(), st.randoms())
def test_a_merge_changes_only_the_tags_of_tracks(
    name: str, given_datasets: list[Cleaned], order: random.Random
) -> None:
    task = read_task(name)
    before = {each.id: each for one in given_datasets for each in one.tracks}
    before["0" * 16] = track("mine too", "1", *task.tags)  # so that something is left
    everything = [*given_datasets, cleaned("mine too", before["0" * 16])]

    merged, counted = merge(task, everything)

    for each in merged.tracks:
        was = before.get(each.id) or before["0" * 16]
        assert (each.dataset, each.path, each.artist) == (was.dataset, was.path, was.artist)
        assert each.id == track_id(each.dataset, each.path)
        assert each.tags
        assert list(each.tags) == [tag for tag in task.tags if tag in each.tags]
    order.shuffle(everything)
    assert merge(task, [shuffled(one, order) for one in everything]) == (merged, counted)


def shuffled(one: Cleaned, order: random.Random) -> Cleaned:
    tracks = list(one.tracks)
    order.shuffle(tracks)
    return cleaned(one.dataset.name, *tracks, categories=one.dataset.categories)


# the real ones


@pytest.mark.thorough
def test_real_jamendo_has_all_its_tags_of_each_task_except_known_ones() -> None:
    jamendo = clean(mtg_jamendo.load(metadata("mtg-jamendo")))
    lacking = {
        "genres": set(),
        "subgenres": {"dancehall"},
        "moodthemes": {"playful"},
        "alltags": set(),
    }

    for name in TASKS:
        task = read_task(name)
        merged, (counted,) = merge(task, [jamendo])
        assert set(task.finals["mtg-jamendo"].values()) - set(counted.words) == lacking[name]
        assert_counts_hold(jamendo, counted.steps, len(merged.tracks))


@pytest.mark.thorough
def test_real_magnatagatune_has_all_its_tags_of_each_task() -> None:
    magnatagatune = clean(mtat.load(metadata("mtat")))

    for name in TASKS:
        task = read_task(name)
        merged, (counted,) = merge(task, [magnatagatune])
        assert set(counted.words) == set(task.finals["mtat"].values())
        assert_counts_hold(magnatagatune, counted.steps, len(merged.tracks))


def assert_counts_hold(before: Cleaned, steps: tuple[Step, ...], after: int) -> None:
    assert len(before.tracks) - sum(step.tracks_dropped for step in steps) == after
    assert steps[-1].tracks_left == after


def metadata(name: str) -> Path:
    path = METADATA / name
    if not path.exists():
        pytest.skip(f"the datasets' metadata are not at {path}")
    return path


# refusals


def test_two_tracks_of_an_id_are_refused_by_name() -> None:
    tracks = (track("mine", "a/song.mp3", "dub"), track("mine", "a/song.mp3", "techno"))

    with pytest.raises(SetupError, match=r"mine: a/song\.mp3 .* have the same id [0-9a-f]{16};"):
        merge(read_task("subgenres"), [cleaned("mine", *tracks)])


def test_two_datasets_of_a_name_are_refused() -> None:
    twice = [cleaned("music", track("music", path, "techno")) for path in ("1", "2")]

    with pytest.raises(SetupError, match="2 datasets are called music"):
        merge(read_task("subgenres"), twice)


def test_an_empty_merge_is_refused() -> None:
    with pytest.raises(SetupError, match="no track of fma has a tag of the task moodthemes"):
        merge(read_task("moodthemes"), [cleaned("fma", track("fma", "1", "Rock"))])


# as a command


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Three tracks of a folder."""
    path = tmp_path / "music.csv"
    path.write_text(
        "path,tags,artist\na.mp3,Deep House;[b]Zouk,Ana\nb.mp3,deephouse;techno,Bo\nc.mp3,lol,Cy\n"
    )
    return path


def test_a_table_is_written_and_the_counts_are_shown(music: Path, tmp_path: Path) -> None:
    target = tmp_path / "made" / "subgenres.parquet"

    printed = taggram("data", "merge", target, "--task", "subgenres", "--folder", music)

    assert printed.exit_code == 0, printed.output
    merged = read_merged(target)
    assert [each.tags for each in merged.tracks] == [("deephouse",), ("deephouse", "techno")]
    lines = [line.split() for line in printed.stdout.replace("│", " ").splitlines()]
    assert ["deephouse", "2", "2", "Deep", "House", "1,", "deephouse", "1"] in lines
    assert ["genres", "19", "19"] in lines
    assert any(line[:3] == ["subgenres", "51", "54"] for line in lines)
    assert f"{target}: 2 tracks, 54 tags" in printed.stdout
    assert "No track has alternative, " in printed.stderr


def test_custom_tags_are_not_parsed_as_markup(music: Path, tmp_path: Path) -> None:
    target = tmp_path / "own.parquet"

    printed = taggram("data", "merge", target, "--task", "own", "--folder", music)

    assert printed.exit_code == 0, printed.output
    assert read_merged(target).tags == ("Deep House", "[b]Zouk", "lol", "techno")
    assert "[b]Zouk" in printed.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task", "moods"), "the task 'moods' does not exist"),
        (("--task", "own"), "no dataset was given"),
        (("--task", "genres"), "no dataset was given"),
        (("--task", "genres", "--mtat", "missing"), "missing"),
    ],
)
def test_an_impossible_merge_is_reported_in_one_line(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    assert words in refused("data", "merge", tmp_path / "out.parquet", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(music: Path, tmp_path: Path) -> None:
    target = tmp_path / "own.parquet"
    target.write_text("the last one")

    with files_of_at_most(500):
        printed = refused("data", "merge", target, "--task", "own", "--folder", music)

    assert f"{target}: it can't be written" in printed
    assert target.read_text() == "the last one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["music.csv", "own.parquet"]
