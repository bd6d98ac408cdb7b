"""Reads vocabularies from YAML and refuses a wrong one by file and line."""

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
"""What stands beside the raw tags of a tag: how it is shown, and the genres that it belongs to."""

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

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
    # libyaml is ten times as fast, but ends the process where an operator's file nests deeply.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if is_built_in else yaml.SafeLoader
    node = compose(path, VocabularyError, loader)
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
            if key.value not in (*FIELDS, *OPTIONAL_FIELDS):
                known = ", ".join((*FIELDS, *OPTIONAL_FIELDS))
                raise self._wrong(key, f"unknown field {key.value!r}; known: {known}")
            fields[key.value] = value
        for name in FIELDS:
            if name not in fields:
                raise self._wrong(root, f"the field {name!r} is missing")
        name = self._text(fields["name"])
        if name == RAW:
            raise self._wrong(fields["name"], f"{RAW!r} is the name of the models' own tags")
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
        """Hold the names of genres and parents against the tags and genres that there are."""
        for field in ("tags", "genres"):
            for key, value in self._items(fields[field], "tags") if field in fields else ():
                if field == "genres" and key.value in tags:
                    raise self._wrong(key, f"{key.value!r} is also a tag; leave the genre out")
                for parent in (genres if field == "genres" else tags)[key.value].parents:
                    if parent not in genres and parent not in tags:
                        raise self._wrong(
                            value, f"{parent!r} is neither a genre nor a tag of this file"
                        )

    def _tags(self, node: yaml.Node) -> dict[str, Tag]:
        tags = {
            self._name(name): self._tag(fields)
            for name, fields in self._items(node, "tags, each with its raw tags")
        }
        if not tags:
            raise self._wrong(node, "there is no tag")
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
        """One for all languages, or one for each."""
        if isinstance(node, yaml.ScalarNode):
            return {ENGLISH: self._text(node)}
        labels = {}
        for key, value in self._items(node, "a label, or one by language, as {fr: Joyeux}"):
            if not LANGUAGE.fullmatch(key.value):
                raise self._wrong(key, f"{key.value!r} is not a language's code, as en, fr, pt-BR")
            labels[key.value] = self._text(value)
        return labels

    def _name(self, node: yaml.Node) -> str:
        text = self._text(node)
        if is_formula(text):
            raise self._wrong(node, f"{text!r} would be a formula to whoever opens it as CSV")
        return text

    def _raw_tags(self, family: yaml.Node, node: yaml.Node) -> tuple[str, ...]:
        """Those of a family that a published model has; of a built-in vocabulary, perhaps none."""
        named = self._names(node, "raw tags, as [ambient, new age]")
        known = self._families.get(family.value, ())
        if not self._is_built_in:
            self._check_raw_tags(family, node, named)
        return tuple(raw for raw in named if raw in known)

    def _check_raw_tags(self, family: yaml.Node, node: yaml.Node, named: tuple[str, ...]) -> None:
        if family.value not in self._families:
            known = ", ".join(sorted(self._families))
            raise self._wrong(family, f"no family {family.value!r} of raw tags; known: {known}")
        for raw in named:
            if raw not in self._families[family.value]:
                raise self._wrong(node, f"no model of the family {family.value!r} has {raw!r}")

    def _names(self, node: yaml.Node, expected: str) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self._wrong(node, f"expected a list of {expected}")
        names: dict[str, None] = {}
        for item in node.value:
            if self._text(item) in names:
                raise self._wrong(item, f"{item.value!r} is there twice")
            names[item.value] = None
        return tuple(names)

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
