"""Tasks: which words of which dataset map to which tags.

The thesis defines four (7.1 and annex B.2). For each, the service has a vocabulary of the same
name, which lists the tags in order. `correspondences/` holds the thesis's lists of wanted words and
its merge dictionaries, one file a task. `own` is the task of a user's own tracks and tags.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from app.errors import SetupError
from app.store.manifest.tables import Table, validate
from app.tagging.vocabulary_file import BUILT_IN, read_vocabulary
from app.yaml_files import read_values

CORRESPONDENCES = Path(__file__).parent / "correspondences"

TASKS = ("genres", "subgenres", "moodthemes", "alltags")
OWN = "own"


class Words(Table):
    """How a task maps a dataset's words.

    `merging`: words and the tags or words that they map to; its keys are wanted too.
    `categories`: only words of these categories count; of all if empty.
    """

    wanted: tuple[str, ...]
    merging: dict[str, str] = Field(default_factory=dict)
    categories: frozenset[str] = frozenset()


class Count(Table):
    """The number of tags that the thesis states, and why the dictionaries have another number."""

    tags: int
    difference: str = ""


class Correspondences(Table):
    """A file of `correspondences/`."""

    thesis: Count
    datasets: dict[Literal["fma", "mtat", "mtg-jamendo"], Words]


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


def standardise(word: str) -> str:
    """Return a word in lower case with only its letters, accents and digits.

    `New Age`, `new-age` and `newage` become equal. A word without letters and digits is kept.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    kept = "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LMN")
    is_word = any(map(str.isalnum, kept))
    return unicodedata.normalize("NFC", kept if is_word else folded.strip())


def read_task(name: str) -> Task:
    """Read one of the thesis's four tasks.

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


def read_correspondences(path: Path) -> Correspondences:
    """Read a file of wanted words and merges.

    Raises:
        SetupError: It is missing or not YAML, or has an unknown or duplicate key.
    """
    values = read_values(path)
    if not isinstance(values, dict):
        raise SetupError(f"{path}: not a mapping; expected the keys thesis and datasets")
    return validate(Correspondences, values, str(path))


def make_task(name: str, tags: tuple[str, ...], read: Correspondences, where: Path) -> Task:
    """Make a task of wanted words and merges, and check them against a vocabulary.

    Args:
        name: The task's name.
        tags: The vocabulary's tags, in its order.
        read: The wanted words and merges.
        where: The file they come from, for error messages.

    Raises:
        SetupError: A word does not map to a tag of the vocabulary.
    """
    finals: dict[str, Mapping[str, str]] = {
        dataset: MappingProxyType(_finals(words, tags, f"{where}: datasets.{dataset}"))
        for dataset, words in read.datasets.items()
    }
    categories: dict[str, frozenset[str]] = {
        dataset: words.categories for dataset, words in read.datasets.items()
    }
    return Task(name, tags, finals, categories)


def _finals(words: Words, tags: tuple[str, ...], where: str) -> dict[str, str]:
    known = {standardise(tag): tag for tag in tags}
    merging = _merging(words, where)
    finals = {}
    for word in (*words.wanted, *words.merging):
        end = _end(standardise(word), merging)
        if end in merging:
            raise SetupError(
                f"{where}: the merges of {word!r} form a circle; make them end in a tag"
            )
        if end not in known:
            raise SetupError(
                f"{where}: {word!r} maps to {end!r}, which is not in the vocabulary; merge it into "
                "one of the vocabulary's tags, or remove it"
            )
        finals[standardise(word)] = known[end]
    return finals


def _merging(words: Words, where: str) -> dict[str, str]:
    merging: dict[str, str] = {}
    for word, target in words.merging.items():
        if merging.setdefault(standardise(word), standardise(target)) != standardise(target):
            raise SetupError(f"{where}: {word!r} is merged into two tags; keep one of them")
    # "electric guitar" and "electricguitar" are spellings of one word, so this is not a merge.
    return {word: target for word, target in merging.items() if word != target}


def _end(word: str, merging: Mapping[str, str]) -> str:
    """Return the word that a word maps to after all merges: one merge may lead to the next."""
    for _ in merging:
        word = merging.get(word, word)
    return word


def _tally(name: str) -> Tally:
    count = read_correspondences(CORRESPONDENCES / f"{name}.yaml").thesis
    given = {tag for finals in read_task(name).finals.values() for tag in finals.values()}
    return Tally(name, count.tags, len(given), count.difference)
