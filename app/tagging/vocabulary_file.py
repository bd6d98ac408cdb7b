"""Reads vocabularies from YAML and refuses a wrong one by file and line."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from app.errors import VocabularyError
from app.store.learnt import RAW
from app.store.words import is_formula, is_shown
from app.tagging.vocabulary import Vocabulary

BUILT_IN = Path(__file__).parent / "vocabularies"

FIELDS = ("name", "version", "description", "tags")

NO_WORDS = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
"""What YAML makes of an unquoted `null` or `~`, and of `<<`."""


def read_vocabularies(
    files: Collection[Path], families: Mapping[str, Collection[str]]
) -> dict[str, Vocabulary]:
    """The built-in vocabularies and the operator's, by name; the operator's take precedence.

    Of the built-in ones, what no published model has is left out: a store may hold other models.

    Args:
        files: The operator's YAML files.
        families: The raw tags that each family has, over all published models.

    Raises:
        VocabularyError: One of them is wrong.
    """
    built_in = [
        read_vocabulary(path, families, is_built_in=True)
        for path in sorted(BUILT_IN.glob("*.yaml"))
    ]
    own = [read_vocabulary(path, families) for path in files]
    return {vocabulary.name: vocabulary for vocabulary in (*built_in, *own)}


def read_vocabulary(
    path: Path, families: Mapping[str, Collection[str]], *, is_built_in: bool = False
) -> Vocabulary:
    """Read one file; see `read_vocabularies`."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise VocabularyError(f"{path}:{line}: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = path.read_text(encoding="utf-8")[: error.position].count("\n") + 1
        raise VocabularyError(f"{path}:{line}: {error.reason}") from error
    except (RecursionError, OverflowError, ValueError) as error:  # what PyYAML lets escape
        raise VocabularyError(f"{path}: this can't be read as YAML: {error}") from error
    if node is None:
        raise VocabularyError(f"{path}:1: the file is empty")
    return _Reader(path, families, is_built_in).vocabulary(node)


class _Reader:
    """Walks one file's nodes, which know their lines."""

    def __init__(
        self, path: Path, families: Mapping[str, Collection[str]], is_built_in: bool
    ) -> None:
        self._path = path
        self._families = families
        self._is_built_in = is_built_in

    def vocabulary(self, root: yaml.Node) -> Vocabulary:
        fields = {}
        for key, value in self._items(root, "a mapping with name, version, description, tags"):
            if key.value not in FIELDS:
                raise self._wrong(key, f"unknown field {key.value!r}; known: {', '.join(FIELDS)}")
            fields[key.value] = value
        for name in FIELDS:
            if name not in fields:
                raise self._wrong(root, f"the field {name!r} is missing")
        name = self._text(fields["name"])
        if name == RAW:
            raise self._wrong(fields["name"], f"{RAW!r} is the name of the models' own tags")
        return Vocabulary(
            name,
            self._text(fields["version"]),
            self._text(fields["description"]),
            MappingProxyType(self._tags(fields["tags"])),
        )

    def _tags(self, node: yaml.Node) -> dict[str, Mapping[str, tuple[str, ...]]]:
        tags: dict[str, Mapping[str, tuple[str, ...]]] = {
            self._tag(tag): MappingProxyType(self._sources(sources))
            for tag, sources in self._items(node, "tags, each with its raw tags")
        }
        if not tags:
            raise self._wrong(node, "there is no tag")
        return tags

    def _tag(self, node: yaml.Node) -> str:
        text = self._text(node)
        if is_formula(text):
            raise self._wrong(node, f"{text!r} would be a formula to whoever opens it as CSV")
        return text

    def _sources(self, node: yaml.Node) -> dict[str, tuple[str, ...]]:
        sources = {}
        for family, raw_tags in self._items(node, "raw tags by family, as {msd: [ambient]}"):
            if family.value not in self._families:
                if self._is_built_in:
                    continue
                known = ", ".join(sorted(self._families))
                raise self._wrong(family, f"no family {family.value!r} of raw tags; known: {known}")
            sources[family.value] = self._raw_tags(family.value, raw_tags)
        return {family: raw_tags for family, raw_tags in sources.items() if raw_tags}

    def _raw_tags(self, family: str, node: yaml.Node) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self._wrong(node, "expected a list of raw tags, as [ambient, new age]")
        raw_tags: list[str] = []
        for item in node.value:
            if self._text(item) not in self._families[family]:
                if self._is_built_in:
                    continue
                raise self._wrong(item, f"no model of the family {family!r} has {item.value!r}")
            if item.value in raw_tags:
                raise self._wrong(item, f"{item.value!r} is there twice")
            raw_tags.append(item.value)
        return tuple(raw_tags)

    def _items(self, node: yaml.Node, wanted: str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(node, f"expected {wanted}")
        seen = set()
        for key, value in node.value:
            if self._text(key) in seen:
                raise self._wrong(key, f"{key.value!r} is there twice")
            seen.add(key.value)
            yield key, value

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._wrong(node, "expected a word")
        text: str = node.value
        if node.tag in NO_WORDS or not text.strip():
            raise self._wrong(node, f"expected a word, not {text!r}")
        if not is_shown(text):
            raise self._wrong(node, "there is a character that can't be shown")
        return text

    def _wrong(self, node: yaml.Node, problem: str) -> VocabularyError:
        return VocabularyError(f"{self._path}:{node.start_mark.line + 1}: {problem}")
