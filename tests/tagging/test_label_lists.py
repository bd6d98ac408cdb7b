"""The built-in vocabularies against the lists of tags that each family of models was trained on."""

import csv
import json
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from app.store.manifest.manifest import Manifest
from app.tagging.vocabulary import Vocabulary
from app.tagging.vocabulary_file import BUILT_IN, read_vocabularies, read_vocabulary
from tests.conftest import SHARED

AUDIOSET = SHARED / "weights" / "yamnet" / "yamnet_class_map.csv"
DISCOGS = SHARED / "weights" / "essentia" / "genre_discogs400-discogs-effnet-1.json"
JAMENDO = SHARED / "metadata" / "mtg-jamendo" / "splits" / "split-0"
FILES = sorted(BUILT_IN.glob("*.yaml"))

UNCOVERED = {"alternativehiphop", "ambient electronic", "experimentalpop", "singersongwriter"}
"""The file says why."""


@pytest.fixture(scope="module")
def families(published: Mapping[str, Manifest]) -> dict[str, Collection[str]]:
    """The tags of all families that the built-in vocabularies name."""
    for path in (AUDIOSET, DISCOGS, JAMENDO):
        if not path.exists():
            pytest.skip(f"the list of tags is not at {path}")
    with AUDIOSET.open(newline="") as file:
        audioset = {row["display_name"] for row in csv.DictReader(file)}
    top50 = (JAMENDO / "autotagging_top50tags-test.tsv").read_text().splitlines()[1:]
    return {
        "msd": published["msd-musicnn"].tags.names,
        "mtt": published["mtt-musicnn"].tags.names,
        "audioset": audioset,
        "discogs": set(json.loads(DISCOGS.read_text())["classes"]),
        "jamendo": {tag.partition("---")[2] for track in top50 for tag in track.split("\t")[5:]},
    }


@pytest.fixture(scope="module")
def full(families: Mapping[str, Collection[str]]) -> dict[str, Vocabulary]:
    """The built-in vocabularies in a service that has models of all families."""
    return read_vocabularies((), families)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_built_in_vocabularies_name_only_tags_that_a_family_has(
    path: Path, families: Mapping[str, Collection[str]]
) -> None:
    assert read_vocabulary(path, families).tags  # as strictly as an operator's file


def test_a_raw_tag_means_one_subgenre_or_genre(full: Mapping[str, Vocabulary]) -> None:
    meaning = [
        (family, raw)
        for _, tag in full["subgenres"].entries.values()
        for family, raw_tags in tag.raw_tags.items()
        for raw in raw_tags
    ]

    assert len(meaning) == len(set(meaning))


def test_models_of_all_families_cover_all_but_a_few_subgenres(
    full: Mapping[str, Vocabulary],
) -> None:
    assert {name for name, tag in full["subgenres"].tags.items() if not tag.raw_tags} == UNCOVERED
    assert all(genre.raw_tags for genre in full["subgenres"].genres.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_tag_has_a_label_and_its_parents_are_genres_of_the_same_vocabulary(
    path: Path, full: Mapping[str, Vocabulary]
) -> None:
    vocabulary = full[path.stem]
    for name, (_, tag) in vocabulary.entries.items():
        assert tag.labels["en"]
        assert name not in tag.parents
        assert set(tag.parents) <= vocabulary.entries.keys()
