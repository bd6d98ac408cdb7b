"""Reads vocabularies from YAML, and reports errors with file and line."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from app.errors import VocabularyError
from app.store.manifest.training_results import RAW
from app.tagging.vocabulary import ENGLISH, Tag, Vocabulary
from app.text import is_formula, is_shown
from app.yaml_files import compose

BUILT_IN = Path(__file__).parent / "vocabularies"

FIELDS = ("name", "version", "description", "tags")
OPTIONAL_FIELDS = ("genres",)
LABEL, PARENTS = "label", "parents"
"""Keys of a tag besides families of raw tags: its display names and its genres."""

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

NOT_TEXT = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
"""YAML's types of an unquoted `null` or `~`, and of `<<`."""


def read_vocabularies(
    files: Collection[Path], families: Mapping[str, Collection[str]]
) -> dict[str, Vocabulary]:
    """Return the built-in vocabularies and the operator's, by name; the operator's take precedence.

    Raw tags of built-in vocabularies that no published model has are left out: a store may hold
    other models.

    Args:
        files: The operator's YAML files.
        families: The raw tags of each family, over all published models.

    Raises:
        VocabularyError: A file is invalid.
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
    """Return the vocabulary of one file; see `read_vocabularies`.

    Args:
        path: The file.
        families: The raw tags of each family, over all published models.
        is_built_in: Whether raw tags that no published model has are left out, not refused.

    Raises:
        VocabularyError: The file is invalid.
    """
    # libyaml is ten times as fast, but crashes the process if an operator's file nests deeply.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if is_built_in else yaml.SafeLoader
    node = compose(path, VocabularyError, loader)
    if node is None:
        raise VocabularyError(f"{path}:1: the file is empty")
    return _Reader(path, families, is_built_in).vocabulary(node)


class _Reader:
    """Converts the nodes of one file, which have line numbers for errors."""

    def __init__(
        self, path: Path, families: Mapping[str, Collection[str]], is_built_in: bool
    ) -> None:
        self._path = path
        self._families = families
        self._is_built_in = is_built_in

    def vocabulary(self, root: yaml.Node) -> Vocabulary:
        """Return the vocabulary of the file's root node.

        Raises:
            VocabularyError: The file is invalid; the message names the line.
        """
        fields = {}
        for key, value in self._items(root, "a mapping with name, version, description, tags"):
            if key.value not in (*FIELDS, *OPTIONAL_FIELDS):
                known = ", ".join((*FIELDS, *OPTIONAL_FIELDS))
                raise self._error(key, f"unknown field {key.value!r}; use one of {known}")
            fields[key.value] = value
        for name in FIELDS:
            if name not in fields:
                raise self._error(root, f"the field {name!r} is missing")
        name = self._text(fields["name"])
        if name == RAW:
            raise self._error(
                fields["name"], f"{RAW!r} is reserved for the models' raw tags; use another name"
            )
        tags = self._tags(fields["tags"])
        genres = self._tags(fields["genres"]) if "genres" in fields else {}
        self._check_names(fields, tags, genres)
        return Vocabulary(
            name,
            self._text(fields["version"]),
            self._text(fields["description"]),
            MappingProxyType(tags),
            MappingProxyType(genres),
        )

    def _check_names(
        self, fields: Mapping[str, yaml.Node], tags: Mapping[str, Tag], genres: Mapping[str, Tag]
    ) -> None:
        """Check that genres are not also tags, and that parents exist."""
        for field in ("tags", "genres"):
            for key, value in self._items(fields[field], "tags") if field in fields else ():
                if field == "genres" and key.value in tags:
                    raise self._error(key, f"{key.value!r} is also a tag; remove the genre")
                for parent in (genres if field == "genres" else tags)[key.value].parents:
                    if parent not in genres and parent not in tags:
                        raise self._error(
                            value, f"{parent!r} is neither a genre nor a tag of this file"
                        )

    def _tags(self, node: yaml.Node) -> dict[str, Tag]:
        tags = {
            self._name(name): self._tag(fields)
            for name, fields in self._items(node, "tags, each with its raw tags")
        }
        if not tags:
            raise self._error(node, "the mapping is empty; give at least one tag")
        return tags

    def _tag(self, node: yaml.Node) -> Tag:
        raw_tags: dict[str, tuple[str, ...]] = {}
        labels: dict[str, str] = {}
        parents: tuple[str, ...] = ()
        for key, value in self._items(node, "raw tags by family, as {msd: [ambient]}"):
            if key.value == LABEL:
                labels = self._labels(value)
            elif key.value == PARENTS:
                parents = self._names(value, "parent genres, as [rock]")
            elif found := self._raw_tags(key, value):
                raw_tags[key.value] = found
        return Tag(MappingProxyType(raw_tags), parents, MappingProxyType(labels))

    def _labels(self, node: yaml.Node) -> dict[str, str]:
        """Return the labels by language: one in English, or one for each language."""
        if isinstance(node, yaml.ScalarNode):
            return {ENGLISH: self._text(node)}
        labels = {}
        for key, value in self._items(node, "a label, or one by language, as {fr: Joyeux}"):
            if not LANGUAGE.fullmatch(key.value):
                raise self._error(
                    key, f"{key.value!r} is not a language code; use one such as en, fr or pt-BR"
                )
            labels[key.value] = self._text(value)
        return labels

    def _name(self, node: yaml.Node) -> str:
        text = self._text(node)
        if is_formula(text):
            raise self._error(
                node, f"{text!r} is a formula in spreadsheets; begin it with another character"
            )
        return text

    def _raw_tags(self, family: yaml.Node, node: yaml.Node) -> tuple[str, ...]:
        """Return the raw tags that a published model has; refuse others in an operator's file."""
        named = self._names(node, "raw tags, as [ambient, new age]")
        known = self._families.get(family.value, ())
        if not self._is_built_in:
            self._check_raw_tags(family, node, named)
        return tuple(raw for raw in named if raw in known)

    def _check_raw_tags(self, family: yaml.Node, node: yaml.Node, named: tuple[str, ...]) -> None:
        if family.value not in self._families:
            known = ", ".join(sorted(self._families))
            raise self._error(
                family, f"{family.value!r} is not a family of raw tags; use one of {known}"
            )
        for raw in named:
            if raw not in self._families[family.value]:
                raise self._error(
                    node, f"no model of the family {family.value!r} has the raw tag {raw!r}"
                )

    def _names(self, node: yaml.Node, expected: str) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self._error(node, f"expected a list of {expected}")
        names: dict[str, None] = {}
        for item in node.value:
            if self._text(item) in names:
                raise self._error(item, f"{item.value!r} occurs twice; remove one")
            names[item.value] = None
        return tuple(names)

    def _items(self, node: yaml.Node, expected: str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"expected {expected}")
        seen = set()
        for key, value in node.value:
            if self._text(key) in seen:
                raise self._error(key, f"{key.value!r} occurs twice; remove one")
            seen.add(key.value)
            yield key, value

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "expected a text")
        text: str = node.value
        if node.tag in NOT_TEXT or not text.strip():
            raise self._error(node, f"expected a text, not {text!r}; put it in quotes")
        if not is_shown(text):
            raise self._error(node, "the text contains a control character; remove it")
        return text

    def _error(self, node: yaml.Node, problem: str) -> VocabularyError:
        return VocabularyError(f"{self._path}:{node.start_mark.line + 1}: {problem}")
