"""Reads untrusted YAML files in bounded time and memory.

The pure Python loader is used, as libyaml crashes the process if a file nests deeply.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

from app.errors import SetupError
from app.paths import read_file, shortened

LARGEST_BYTES = 2**18

MAX_NODES = 50_000
"""The most nodes of a file, with aliases expanded."""

DEEPEST = 32

_LONGEST_REASON = 300

LONGEST_NUMBER = 64
"""The most characters of a number: parsing base 60 takes quadratic time."""

_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


def compose(
    path: Path,
    raised: type[SetupError] = SetupError,
    loader: type[yaml.SafeLoader] = yaml.SafeLoader,
) -> yaml.Node | None:
    """Return the nodes of a file, which have line numbers; None if the file is empty.

    Args:
        path: The file.
        raised: The type of the error that is raised.
        loader: The loader that parses the file.

    Raises:
        SetupError: The file can't be read, is not YAML, is too large, or nests too deeply. It is a
            `raised`.
    """
    try:
        text = read_file(path, LARGEST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise raised(f"{path}: it can't be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not a valid path
        raise raised(f"{path}: it can't be read: {error}") from error
    if line := _too_deep(text):
        raise raised(f"{path}:{line}: it nests deeper than {DEEPEST} levels")
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=loader)
        if node is not None:
            _count(node, {}, 0)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise raised(f"{path}:{line}: {_one_line(error.problem)}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise raised(f"{path}:{line}: {_one_line(error.reason)}") from error
    except RecursionError as error:
        raise raised(f"{path}: it nests deeper than {DEEPEST} levels") from error
    except (OverflowError, ValueError) as error:  # raised by PyYAML without a position
        raise raised(f"{path}: it can't be read as YAML: {_one_line(error)}") from error
    return node


def read_values(path: Path) -> object:
    """Return the content of a file as Python values; repeated keys of a mapping are refused.

    Raises:
        SetupError: As `compose`; or the file has a repeated key or an invalid value.
    """
    node = compose(path)
    if node is None:
        return None
    for mapping in _mappings(node, set()):
        _check_keys(path, mapping)
    try:
        return yaml.constructor.SafeConstructor().construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SetupError(f"{path}:{line}: {_one_line(error.problem)}") from error
    # Raised by PyYAML without a position, for invalid dates or `!!bool maybe`.
    except (ArithmeticError, ValueError) as error:
        raise SetupError(
            f"{path}: a value in it can't be read as YAML: {_one_line(error)}"
        ) from error
    except (AttributeError, LookupError, TypeError) as error:
        raise SetupError(f"{path}: a value in it does not match its YAML tag") from error


def _too_deep(text: str) -> int:
    """Return the line in which brackets nest too deeply, or 0; PyYAML would take seconds for this.

    Brackets in quotes count too. Nesting without brackets is checked on the nodes.
    """
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        for bracket in re.findall(r"[\[\]{}]", line):
            depth = max(depth + (1 if bracket in "[{" else -1), 0)
            if depth > DEEPEST:
                return number
    return 0


def _count(node: yaml.Node, counted: dict[int, int], depth: int) -> int:
    """Count a node and the nodes below it, with aliases expanded."""
    if depth > DEEPEST:  # also stops an alias inside its own anchor
        raise _refusal(node, f"it nests deeper than {DEEPEST} levels")
    if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
        raise _refusal(node, f"a number in it is longer than {LONGEST_NUMBER} characters")
    if id(node) not in counted:
        counted[id(node)] = 1 + sum(_count(each, counted, depth + 1) for each in _children(node))
    if counted[id(node)] > MAX_NODES:
        raise _refusal(node, f"it has more than {MAX_NODES:,} nodes, with aliases expanded")
    return counted[id(node)]


def _one_line(problem: object) -> str:
    """Return a message of PyYAML in one line, shortened, as it may quote a whole file."""
    return shortened(" ".join(str(problem).split()), _LONGEST_REASON)


def _refusal(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


def _mappings(node: yaml.Node, seen: set[int]) -> Iterator[yaml.MappingNode]:
    """Yield each mapping once, also if aliases refer to it."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
    for each in _children(node):
        yield from _mappings(each, seen)


def _check_keys(path: Path, mapping: yaml.MappingNode) -> None:
    keys = Counter(key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode))
    for key, count in keys.items():
        if count > 1:
            line = mapping.start_mark.line + 1
            raise SetupError(
                f"{path}: {key!r} occurs twice in the mapping that begins in line {line}"
            )
