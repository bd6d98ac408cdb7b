"""YAML that somebody wrote, read in bounded time and memory.

The pure Python loader reads it: libyaml ends the process where a file nests deeply.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

from app.errors import SetupError
from app.paths import read_file, shortened

LARGEST_BYTES = 2**18

MOST_NODES = 50_000
"""Of a file whose aliases are replaced by what they stand for."""

DEEPEST = 32

_LONGEST_REASON = 300

LONGEST_NUMBER = 64
"""Characters; those of base 60 take the square of their length."""

_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


def compose(
    path: Path,
    raised: type[SetupError] = SetupError,
    loader: type[yaml.SafeLoader] = yaml.SafeLoader,
) -> yaml.Node | None:
    """Read a file's nodes, which know their lines; none where it is empty.

    Args:
        path: Which file.
        raised: What is raised where it is wrong.
        loader: What reads it.

    Raises:
        SetupError: It can't be read, is not YAML, or is larger or nests deeper than is meant.
    """
    try:
        text = read_file(path, LARGEST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise raised(f"{path}: it can't be read: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, or no path
        raise raised(f"{path}: it can't be read: {error}") from error
    if line := _too_deep(text):
        raise raised(f"{path}:{line}: it nests deeper than {DEEPEST} levels")
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=loader)
        if node is not None:
            _count(node, {}, 0)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise raised(f"{path}:{line}: {_said(error.problem)}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise raised(f"{path}:{line}: {_said(error.reason)}") from error
    except RecursionError as error:
        raise raised(f"{path}: it nests deeper than {DEEPEST} levels") from error
    except (OverflowError, ValueError) as error:  # what PyYAML lets escape
        raise raised(f"{path}: this can't be read as YAML: {_said(error)}") from error
    return node


def read_values(path: Path) -> object:
    """Read what a file says; a key that is twice in a mapping is refused.

    Raises:
        SetupError: As `compose`; or it has a value that can't be.
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
        raise SetupError(f"{path}:{line}: {_said(error.problem)}") from error
    # What PyYAML lets escape: impossible dates, `!!bool maybe`.
    except (ArithmeticError, ValueError) as error:
        raise SetupError(f"{path}: a value in it can't be read as YAML: {_said(error)}") from error
    except (AttributeError, LookupError, TypeError) as error:
        raise SetupError(f"{path}: a value in it is not what its tag says") from error


def _too_deep(text: str) -> int:
    """The line in which brackets nest too deep, or 0: PyYAML takes seconds to find out.

    Brackets in quotes count too; what they hide the nodes tell.
    """
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        for bracket in re.findall(r"[\[\]{}]", line):
            depth = max(depth + (1 if bracket in "[{" else -1), 0)
            if depth > DEEPEST:
                return number
    return 0


def _count(node: yaml.Node, counted: dict[int, int], depth: int) -> int:
    """Count the nodes below one, an alias as all that it stands for."""
    if depth > DEEPEST:  # an alias in what it stands for has no end either
        raise _refusal(node, f"it nests deeper than {DEEPEST} levels")
    if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
        raise _refusal(node, f"a number in it is longer than {LONGEST_NUMBER} characters")
    if id(node) not in counted:
        counted[id(node)] = 1 + sum(_count(each, counted, depth + 1) for each in _inside(node))
    if counted[id(node)] > MOST_NODES:
        said = f"it says more than {MOST_NODES:,} things, once its aliases are replaced"
        raise _refusal(node, said)
    return counted[id(node)]


def _said(problem: object) -> str:
    """What PyYAML says, which may quote a whole file."""
    return shortened(" ".join(str(problem).split()), _LONGEST_REASON)


def _refusal(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _inside(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


def _mappings(node: yaml.Node, seen: set[int]) -> Iterator[yaml.MappingNode]:
    """Each mapping once, whatever stands for it."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
    for each in _inside(node):
        yield from _mappings(each, seen)


def _check_keys(path: Path, mapping: yaml.MappingNode) -> None:
    keys = Counter(key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode))
    for key, count in keys.items():
        if count > 1:
            line = mapping.start_mark.line + 1
            raise SetupError(f"{path}: {key!r} is twice in the mapping that begins in line {line}")
