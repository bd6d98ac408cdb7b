"""The four tasks compared with the thesis, the vocabularies, and the tags of the datasets."""

import csv
import random
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.tasks import (
    OWN,
    TASKS,
    Task,
    correspondence,
    make_task,
    own_task,
    read_task,
    tallies,
    vocabulary_tags,
)
from app.datasets.word_mapping import read_correspondences, standardise
from app.errors import SetupError
from tests.conftest import REPOSITORY
from tests.tagging.test_thesis_vocabularies import THESIS, merged

METADATA = REPOSITORY.parent / "shared" / "metadata"

NAMES = {"FMA": "fma", "MTAT": "mtat", "MTG": "mtg-jamendo"}

REPAIRED = {
    "easylisening": "easylistening",
    "deephhouse": "deephouse",
    "soulnrb": "soulrnb",
}

DEPARTURES = {
    ("subgenres", "MTAT"): {"new age": "ambient"},
    ("alltags", "MTAT"): {"violins": "violin"},
    ("alltags", "FMA"): {"americana": "folk"},
}
"""Words that end elsewhere than the printed dictionary says, each explained in the task's file."""

PRINTED = [(name, dataset) for name in THESIS for dataset in THESIS[name]]

AMBIENT = """
thesis: {tags: 1}
datasets:
  fma: {wanted: [ambient, drone], merging: {drone: ambient}}
"""


def given_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ambience.yaml"
    path.write_text(text)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SetupError) as refused:
        make_task("ambience", ("ambient", "noise"), read_correspondences(path), path)
    message = str(refused.value)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    return message


# against the thesis


@pytest.mark.parametrize(("name", "dataset"), PRINTED)
def test_each_tag_is_mapped_as_in_the_printed_dictionary(name: str, dataset: str) -> None:
    _, merging = THESIS[name][dataset]
    printed = {**merging, **merged(name, dataset), **DEPARTURES.get((name, dataset), {})}
    wanted = {
        standardise(REPAIRED.get(word, word)): REPAIRED.get(tag, tag)
        for word, tag in printed.items()
    }

    assert dict(correspondence(read_task(name), NAMES[dataset])) == wanted


@pytest.mark.parametrize("name", TASKS)
def test_the_dictionaries_end_in_the_tags_of_the_service_and_in_all_of_them(name: str) -> None:
    task = read_task(name)

    ends = {tag for dataset in NAMES.values() for tag in correspondence(task, dataset).values()}

    assert task.tags == vocabulary_tags(name)
    assert ends == set(task.tags)


def test_differences_between_the_counts_of_the_thesis_and_its_dictionaries_are_explained() -> None:
    counts = {tally.task: (tally.thesis, tally.dictionaries) for tally in tallies()}

    assert counts == {
        "genres": (19, 19),
        "subgenres": (51, 54),
        "moodthemes": (38, 40),
        "alltags": (80, 54),
    }
    for tally in tallies():
        assert bool(tally.difference) == (tally.thesis != tally.dictionaries)


def test_the_total_of_the_thesis_is_that_of_the_dictionaries() -> None:
    counts = {tally.task: tally.dictionaries for tally in tallies()}

    assert counts["genres"] + counts["subgenres"] + counts["moodthemes"] == 113


def test_moods_are_not_mapped_for_fma() -> None:
    assert not correspondence(read_task("moodthemes"), "fma")


def test_the_jamendo_tags_of_all_tags_follow_from_the_three_other_tasks() -> None:
    others = [correspondence(read_task(name), "mtg-jamendo") for name in TASKS[:3]]
    known = {standardise(tag): tag for tag in vocabulary_tags("alltags")}
    derived = {"country": "folk"}  # as both printed lists have it
    for word, tag in chain.from_iterable(other.items() for other in others):
        if word in known:
            derived[word] = known[word]
        elif tag in known.values():
            derived[word] = tag

    assert dict(correspondence(read_task("alltags"), "mtg-jamendo")) == derived


@pytest.mark.parametrize(
    ("name", "categories"),
    [
        ("genres", {"genre"}),
        ("subgenres", {"genre"}),
        ("moodthemes", {"mood/theme", "instrument"}),
        ("alltags", set()),
    ],
)
def test_a_task_uses_its_own_categories_of_jamendo(name: str, categories: set[str]) -> None:
    assert read_task(name).categories["mtg-jamendo"] == categories


def test_an_unknown_task_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match=r"'moods'.*genres, subgenres, moodthemes, alltags, own"):
        read_task("moods")


# against the datasets


def test_fma_has_a_genre_for_each_tag() -> None:
    titles = {standardise(row["title"]) for row in rows("fma/genres.csv", ",")}

    wanted = words_of("fma", printed_wanted("FMA"))

    assert wanted <= titles


def test_magnatagatune_has_a_tag_for_each_tag_but_these() -> None:
    header = header_of("mtat/annotations_final.csv", "\t")

    wanted = words_of("mtat", printed_wanted("MTAT"))

    assert wanted - {standardise(tag) for tag in header} == set()


def test_jamendo_has_a_tag_for_each_tag_but_these() -> None:
    tags = set()
    for path in metadata("mtg-jamendo").rglob("*.tsv"):
        for line in path.read_text().splitlines()[1:]:
            tags |= {tag.partition("---")[2] for tag in line.split("\t")[5:]}

    wanted = words_of("mtg-jamendo", printed_wanted("MTG"))

    assert wanted - {standardise(tag) for tag in tags} == {"playful", "dancehall", "soulrnb"}


def metadata(name: str) -> Path:
    path = METADATA / name
    if not path.exists():
        pytest.skip(f"the datasets' metadata are not at {path}")
    return path


def header_of(name: str, delimiter: str) -> list[str]:
    with metadata(name).open(newline="") as file:
        return next(csv.reader(file, delimiter=delimiter))


def rows(name: str, delimiter: str) -> list[dict[str, str]]:
    with metadata(name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def printed_wanted(dataset: str) -> set[str]:
    return {
        standardise(REPAIRED.get(word, word))
        for name in THESIS
        if dataset in THESIS[name]
        for word in merged(name, dataset)
    }


def words_of(dataset: str, wanted: set[str]) -> set[str]:
    """The wanted words, all of which the tasks know."""
    known = set().union(*(correspondence(read_task(name), dataset) for name in TASKS))
    assert wanted <= known
    return wanted


# words


@pytest.mark.parametrize(
    "spellings",
    [
        ("New Age", "new age", "newage", "NEW-AGE", " new  age "),
        ("Hip-Hop", "hip hop", "hiphop", "Hip/Hop"),
        ("Soul-RnB", "soul rnb", "Soul, R'n'B"),
        ("Chip Music", "chipmusic"),
        ("Old-Time / Historic", "oldtime historic"),
        ("Reggae - Dub", "reggaedub"),
        ("Música", "mu\u0301sica", "MÚSICA"),
        ("\uff24\uff35\uff22", "dub"),  # in full width
    ],
)
def test_spellings_of_a_tag_are_unified(spellings: tuple[str, ...]) -> None:
    assert len({standardise(word) for word in spellings}) == 1


def test_different_tags_are_not_unified() -> None:
    words = ("dub", "dubstep", "año", "ano", "80s", "90s", "c", "!!!", "♥")

    assert len({standardise(word) for word in words}) == len(words)


@given(st.text())
def test_standardising_is_idempotent(word: str) -> None:
    assert standardise(standardise(word)) == standardise(word)


@given(st.lists(st.sampled_from(["ambient", "tech", "Ünique", "80s"]), min_size=1), st.data())
def test_case_and_separators_do_not_change_a_tag(parts: list[str], data: st.DataObject) -> None:
    between = [data.draw(st.sampled_from(["", " ", "-", " & ", "/", "_", "'"])) for _ in parts]
    changed = "".join(chain.from_iterable(zip(map(str.swapcase, parts), between, strict=True)))

    assert standardise(changed) == standardise("".join(parts))


@pytest.mark.parametrize("name", TASKS)
def test_the_tags_of_a_task_are_unique(name: str) -> None:
    tags = vocabulary_tags(name)

    assert len({standardise(tag) for tag in tags}) == len(tags)


# folders of songs


def test_a_folder_provides_its_tags_in_any_spelling() -> None:
    finals = correspondence(read_task("subgenres"), "my music")

    assert finals[standardise("Deep House")] == "deephouse"
    assert finals[standardise("Contemporary-Classical")] == "contemporary classical"
    assert len(finals) == 54


@given(st.lists(st.sampled_from(["Dub", "dub", "DUB", "Hip Hop", "hip-hop", "zouk"])), st.randoms())
def test_the_task_of_a_folder_has_each_tag_once_in_any_order(
    words: list[str], order: random.Random
) -> None:
    task = own_task(words)
    order.shuffle(words)

    assert own_task(words) == task == Task(OWN, tuple(sorted(task.tags)))
    assert [standardise(tag) for tag in task.tags].sort() == list(
        set(map(standardise, words))
    ).sort()
    finals: Mapping[str, str] = correspondence(task, "any")
    assert all(finals[standardise(word)] in words for word in words)


def test_a_custom_tag_has_its_most_frequent_spelling() -> None:
    assert own_task(["hip hop", "Hip-Hop", "Hip-Hop", "zouk"]).tags == ("Hip-Hop", "zouk")


# wrong files


def test_merges_may_be_chained(tmp_path: Path) -> None:
    path = given_file(tmp_path, AMBIENT.replace("drone: ambient", "drone: pad, pad: ambient"))

    task = make_task("ambience", ("ambient", "noise"), read_correspondences(path), path)

    assert correspondence(task, "fma") == dict.fromkeys(("ambient", "drone", "pad"), "ambient")


@pytest.mark.parametrize(
    ("there", "instead", "message"),
    [
        ("drone: ambient", "drone: pads", "datasets.fma: 'drone' maps to 'pads'"),
        ("[ambient, drone]", "[ambient, hum]", "datasets.fma: 'hum' maps to 'hum'"),
        ("drone: ambient", "drone: hum, hum: drone", "the merges of 'drone' form a circle"),
        ("drone: ambient", "drone: Drone", "datasets.fma: 'drone' maps to 'drone'"),
        ("drone: ambient", "drone: ambient, Drone: noise", "'Drone' is merged into two tags"),
        ("drone: ambient", "drone: ambient, drone: noise", "'drone' occurs twice"),
        ("drone: ambient", "drone: 7", "datasets.fma.merging.drone: "),
        ("merging:", "merges:", "datasets.fma.merges: Extra inputs"),
        ("fma:", "msd:", "datasets.msd."),
        ("{tags: 1}", "{count: 1}", "thesis.tags: Field required"),
        ("thesis: {tags: 1}", "", "thesis: Field required"),
        ("[ambient, drone]", "[ambient, drone", "expected"),
        ("[ambient, drone]", "ambient", "datasets.fma.wanted: "),
        ("[ambient, drone]", "[\x01]", "special characters"),
    ],
)
def test_a_mistake_in_a_file_is_reported_with_its_location(
    there: str, instead: str, message: str, tmp_path: Path
) -> None:
    assert there in AMBIENT

    assert message in refusal(given_file(tmp_path, AMBIENT.replace(there, instead)))


@pytest.mark.parametrize("text", ["", "ambient", "- ambient", "[" * 5000, "\x00"])
def test_a_file_that_is_not_a_table_is_refused(text: str, tmp_path: Path) -> None:
    refusal(given_file(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path / "missing.yaml")
