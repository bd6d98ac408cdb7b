"""The tasks: which words of which dataset become which tags.

The thesis has four (7.1 and annex B.2), and the service a vocabulary of the same name for each:
that says which tags there are and in which order. `correspondences/` holds the thesis's lists of
wanted words and its dictionaries of merges, one file a task. `own` is the task of whoever brings
tracks under tags of their own.
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
    """What a task makes of a dataset's words.

    `merging`: words and what becomes of them; what is merged is wanted too. `categories`: of words
    in these alone; of all where there are none.
    """

    wanted: tuple[str, ...]
    merging: dict[str, str] = Field(default_factory=dict)
    categories: frozenset[str] = frozenset()


class Count(Table):
    """How many tags the thesis says that a task has, and why the dictionaries give others."""

    tags: int
    difference: str = ""


class Correspondences(Table):
    """A file of `correspondences/`."""

    thesis: Count
    datasets: dict[Literal["fma", "mtat", "mtg-jamendo"], Words]


@dataclass(frozen=True)
class Task:
    """What is to be learnt.

    Attributes:
        name: That of a vocabulary, or `own`.
        tags: All of them, in the order of a model's outputs.
        finals: By dataset, the tag that each standardised word becomes.
        categories: By dataset, those whose words count; all where none are named.
    """

    name: str
    tags: tuple[str, ...]
    finals: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    categories: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Tally:
    """How many tags a task has: as the thesis says, and as its dictionaries give."""

    task: str
    thesis: int
    dictionaries: int
    difference: str


def standardise(word: str) -> str:
    """A word in lower case without anything but letters, their accents, and digits.

    `New Age`, `new-age` and `newage` meet. A word without a letter or digit stays as it is.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    kept = "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LMN")
    is_word = any(map(str.isalnum, kept))
    return unicodedata.normalize("NFC", kept if is_word else folded.strip())


def read_task(name: str) -> Task:
    """Read one of the four.

    Raises:
        SetupError: There is no such task, or its file is wrong.
    """
    if name not in TASKS:
        raise SetupError(f"there is no task {name!r}; choose one of {', '.join(TASKS)}, {OWN}")
    path = CORRESPONDENCES / f"{name}.yaml"
    return make_task(name, vocabulary_tags(name), read_correspondences(path), path)


def own_task(words: Iterable[str]) -> Task:
    """The task of a folder of one's own: its tags, in alphabetical order.

    Args:
        words: Of all its tracks, with repetitions: of several spellings of a tag, it is called by
            the commonest.
    """
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word in words:
        spellings[standardise(word)][word] += 1
    tags = (min(each, key=lambda word: (-each[word], word)) for each in spellings.values())
    return Task(OWN, tuple(sorted(tags)))


def correspondence(task: Task, dataset: str) -> Mapping[str, str]:
    """The tag that each standardised word of a dataset becomes.

    Of a dataset that the thesis does not know, words count that are tags of the task.
    """
    if dataset in task.finals:
        return task.finals[dataset]
    return {standardise(tag): tag for tag in task.tags}


def tallies() -> tuple[Tally, ...]:
    """What the thesis says and its dictionaries give, for each of the four.

    Raises:
        SetupError: A file is wrong.
    """
    return tuple(map(_tally, TASKS))


def vocabulary_tags(name: str) -> tuple[str, ...]:
    """The tags of a vocabulary that ships with the service, in its order."""
    return tuple(read_vocabulary(BUILT_IN / f"{name}.yaml", {}, is_built_in=True).tags)


def read_correspondences(path: Path) -> Correspondences:
    """Read a file of wanted words and merges.

    Raises:
        SetupError: It is missing, no YAML, or something in it is unknown or there twice.
    """
    values = read_values(path)
    if not isinstance(values, dict):
        raise SetupError(f"{path}: a mapping is needed, with thesis and datasets")
    return validate(Correspondences, values, str(path))


def make_task(name: str, tags: tuple[str, ...], read: Correspondences, where: Path) -> Task:
    """Hold wanted words and merges against a vocabulary.

    Raises:
        SetupError: A word is wanted, or merged into another, that is no tag in the end.
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
                f"{where}: the merges of {word!r} go in a circle; let them end in a tag"
            )
        if end not in known:
            raise SetupError(
                f"{where}: {word!r} ends in {end!r}, which the vocabulary lacks; merge it into one "
                "of its tags, or take it out"
            )
        finals[standardise(word)] = known[end]
    return finals


def _merging(words: Words, where: str) -> dict[str, str]:
    merging: dict[str, str] = {}
    for word, target in words.merging.items():
        if merging.setdefault(standardise(word), standardise(target)) != standardise(target):
            raise SetupError(f"{where}: {word!r} is merged into two tags; leave one of them")
    # "electric guitar" into "electricguitar" is but another spelling.
    return {word: target for word, target in merging.items() if word != target}


def _end(word: str, merging: Mapping[str, str]) -> str:
    """Where a word comes to in the end: one merge may lead to the next."""
    for _ in merging:
        word = merging.get(word, word)
    return word


def _tally(name: str) -> Tally:
    count = read_correspondences(CORRESPONDENCES / f"{name}.yaml").thesis
    given = {tag for finals in read_task(name).finals.values() for tag in finals.values()}
    return Tally(name, count.tags, len(given), count.difference)
