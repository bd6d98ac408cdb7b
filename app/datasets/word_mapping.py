"""Maps the words of datasets to tags.

`correspondences/` holds the thesis's lists of wanted words and its merge dictionaries (7.1 and
annex B.2), one file a task.
"""

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from app.errors import SetupError
from app.store.manifest.tables import Table, validate
from app.yaml_files import read_values

CORRESPONDENCES = Path(__file__).parent / "correspondences"


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


def standardise(word: str) -> str:
    """Return a word in lower case with only its letters, accents and digits.

    `New Age`, `new-age` and `newage` become equal. A word without letters and digits is kept.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    kept = "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LMN")
    is_word = any(map(str.isalnum, kept))
    return unicodedata.normalize("NFC", kept if is_word else folded.strip())


def read_correspondences(path: Path) -> Correspondences:
    """Return the wanted words and merges of a file.

    Raises:
        SetupError: It is missing or not YAML, or has an unknown or duplicate key.
    """
    values = read_values(path)
    if not isinstance(values, dict):
        raise SetupError(f"{path}: not a mapping; expected the keys thesis and datasets")
    return validate(Correspondences, values, str(path))


def map_words(words: Words, tags: tuple[str, ...], where: str) -> dict[str, str]:
    """Return the tag of each standardised word of a dataset.

    Args:
        words: The wanted words and merges.
        tags: All tags of the task.
        where: The place in a file that they come from, for error messages.

    Raises:
        SetupError: A word maps to no tag, or merges contradict each other.
    """
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
