"""Tasks: which words of which dataset map to which tags.

The thesis defines four (7.1 and annex B.2). For each, the service has a vocabulary of the same
name, which lists the tags in order. `own` is the task of a user's own tracks and tags.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from app.datasets.word_mapping import (
    CORRESPONDENCES,
    Correspondences,
    map_words,
    read_correspondences,
    standardise,
)
from app.errors import SetupError
from app.tagging.vocabulary_file import BUILT_IN, read_vocabulary

TASKS = ("genres", "subgenres", "moodthemes", "alltags")
OWN = "own"


@dataclass(frozen=True)
class Task:
    """The tags to be trained, and how words map to them.

    Attributes:
        name: The name of a vocabulary, or `own`.
        tags: All tags, in the order of a model's outputs.
        finals: By dataset, the tag of each standardised word.
        categories: By dataset, the categories of the words that count; all if empty.
    """

    name: str
    tags: tuple[str, ...]
    finals: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    categories: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Tally:
    """The number of a task's tags, in the thesis and in its dictionaries."""

    task: str
    thesis: int
    dictionaries: int
    difference: str


def read_task(name: str) -> Task:
    """Return one of the thesis's four tasks.

    Raises:
        SetupError: The task does not exist, or its file is invalid.
    """
    if name not in TASKS:
        raise SetupError(
            f"the task {name!r} does not exist; choose one of {', '.join(TASKS)}, {OWN}"
        )
    path = CORRESPONDENCES / f"{name}.yaml"
    return make_task(name, vocabulary_tags(name), read_correspondences(path), path)


def own_task(words: Iterable[str]) -> Task:
    """Return the task of a user's own folder: its tags, in alphabetical order.

    Args:
        words: The tags of all tracks, with repetitions: a tag with several spellings gets the most
            frequent one.
    """
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word in words:
        spellings[standardise(word)][word] += 1
    tags = (min(each, key=lambda word: (-each[word], word)) for each in spellings.values())
    return Task(OWN, tuple(sorted(tags)))


def correspondence(task: Task, dataset: str) -> Mapping[str, str]:
    """Return the tag of each standardised word of a dataset.

    For a dataset that the thesis does not cover, only words that are tags of the task count.
    """
    if dataset in task.finals:
        return task.finals[dataset]
    return {standardise(tag): tag for tag in task.tags}


def tallies() -> tuple[Tally, ...]:
    """Compare the number of tags in the thesis and in its dictionaries, for each of the four.

    Raises:
        SetupError: A file is invalid.
    """
    return tuple(map(_tally, TASKS))


def vocabulary_tags(name: str) -> tuple[str, ...]:
    """Return the tags of a vocabulary that ships with the service, in its order.

    Raises:
        VocabularyError: No such vocabulary ships with the service.
    """
    return tuple(read_vocabulary(BUILT_IN / f"{name}.yaml", {}, is_built_in=True).tags)


def make_task(name: str, tags: tuple[str, ...], read: Correspondences, where: Path) -> Task:
    """Return a task of wanted words and merges, which are checked against a vocabulary.

    Args:
        name: The task's name.
        tags: The vocabulary's tags, in its order.
        read: The wanted words and merges.
        where: The file they come from, for error messages.

    Raises:
        SetupError: A word does not map to a tag of the vocabulary.
    """
    finals: dict[str, Mapping[str, str]] = {
        dataset: MappingProxyType(map_words(words, tags, f"{where}: datasets.{dataset}"))
        for dataset, words in read.datasets.items()
    }
    categories: dict[str, frozenset[str]] = {
        dataset: words.categories for dataset, words in read.datasets.items()
    }
    return Task(name, tags, finals, categories)


def _tally(name: str) -> Tally:
    count = read_correspondences(CORRESPONDENCES / f"{name}.yaml").thesis
    given = {tag for finals in read_task(name).finals.values() for tag in finals.values()}
    return Tally(name, count.tags, len(given), count.difference)
