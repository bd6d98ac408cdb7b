"""Every command that the documentation names exists, with the options that it is given."""

import importlib.util
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli.commands import app
from tests.conftest import REPOSITORY
from tests.docs.pages import GUIDES, code, command_lines, name_of

TEXTS = [page.read_text() for page in GUIDES]
ASSIGNMENT = re.compile(r"[A-Z_]+=.*")
FOLDERS = "app|docker|docs|examples|loadtests|model_store|requirements|testing|tests"
PATH = re.compile(rf"(?<![\w/.\-])(?:{FOLDERS})/[\w./\-]*\w")
MADE_BY_USERS = {"docker/.env"}


def _run_lines() -> list[str]:
    """List the lines of the shell blocks that run `taggram`, each once."""
    lines = [line for text in TEXTS for line in command_lines(text)]
    return sorted({line for line in lines if _arguments(line) is not None})


def _arguments(line: str) -> list[str] | None:
    """Return the arguments of a line that runs `taggram`, without its variables."""
    words = shlex.split(line, comments=True)
    while words and ASSIGNMENT.fullmatch(words[0]):
        del words[0]
    return words[1:] if words[:1] == ["taggram"] else None


def _command(arguments: list[str]) -> tuple[Any, list[str]]:
    """Find the subcommand that arguments begin with, and the rest of them.

    Raises:
        LookupError: There is no such subcommand.
    """
    command: Any = get_command(app)
    while hasattr(command, "commands") and arguments and not arguments[0].startswith("-"):
        if arguments[0] not in command.commands:
            raise LookupError(f"taggram has no command {arguments[0]!r}")
        command, arguments = command.commands[arguments[0]], arguments[1:]
    return command, arguments


@pytest.mark.parametrize("line", _run_lines())
def test_every_command_line_is_accepted(line: str) -> None:
    command, arguments = _command(_arguments(line) or [])
    command.make_context(command.name, list(arguments))  # parses, and runs nothing


def _named() -> Iterator[str]:
    """Yield the commands of `taggram` named in the prose, each once."""
    yield from sorted(
        {span for text in TEXTS for span in code(text) if span.startswith("taggram ")}
    )


@pytest.mark.parametrize("span", _named())
def test_every_command_in_the_prose_exists(span: str) -> None:
    command, arguments = _command(span.split()[1:])
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in arguments if word.startswith("--")} <= options | {"--help"}


TARGETS = sorted(
    {target for text in TEXTS for target in re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE)}
)


def test_every_make_target_named_exists() -> None:
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    dry_run = ["make", "--dry-run", "--silent", *TARGETS]
    made = subprocess.run(
        dry_run,
        cwd=REPOSITORY,
        env=environment,
        timeout=300,
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr


def test_the_most_used_make_targets_are_named() -> None:
    assert {"serve", "test", "docs"} <= set(TARGETS)


MODULES = sorted({module for text in TEXTS for module in re.findall(r"python -m ([\w.]+)", text)})


@pytest.mark.parametrize("module", MODULES)
def test_every_module_that_is_run_exists(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_path_named_exists(page: Path) -> None:
    named = set(PATH.findall(page.read_text())) - MADE_BY_USERS
    assert [path for path in sorted(named) if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_python_name_exists(page: Path) -> None:
    names = {span.partition("(")[0] for span in code(page.read_text()) if span.startswith("app.")}
    assert [name for name in sorted(names) if not _is_defined(name)] == []


def _is_defined(name: str) -> bool:
    """Whether a dotted name is a module of ours, or occurs in one; nothing is imported."""
    module, _, attribute = name.rpartition(".")
    paths = [
        REPOSITORY / f"{part.replace('.', '/')}{end}"
        for part in (name, module)
        for end in (".py", "/__init__.py")
    ]
    found = [path for path in paths if path.is_file()]
    whole = REPOSITORY / name.replace(".", "/")
    return whole.is_dir() or any(
        path.with_suffix("") == whole or re.search(rf"\b{attribute}\b", path.read_text())
        for path in found
    )
