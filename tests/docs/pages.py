"""The pages of the documentation, and their parts for the tests."""

import re
from pathlib import Path

from tests.conftest import REPOSITORY

README = REPOSITORY / "README.md"
DOCS = tuple(sorted((REPOSITORY / "docs").glob("*.md")))
GUIDES = (README, *DOCS, REPOSITORY / "SECURITY.md", REPOSITORY / "CONTRIBUTING.md")
"""All that must hold now; the changelog and the examples are checked for their links alone."""

PAGES = (*GUIDES, REPOSITORY / "CHANGELOG.md", REPOSITORY / "examples" / "README.md")

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def doc(name: str) -> str:
    """Read a page of `docs` by its name without the suffix."""
    return (REPOSITORY / "docs" / f"{name}.md").read_text()


def name_of(page: Path) -> str:
    """Name a page by its path in the repository."""
    return str(page.relative_to(REPOSITORY))


def blocks(text: str, language: str) -> list[str]:
    """List the fenced blocks of a language."""
    return [body for found, body in _FENCED.findall(text) if found == language]


def block(text: str, language: str, containing: str) -> str:
    """Find the first block of a language that contains some text."""
    return next(body for body in blocks(text, language) if containing in body)


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCED.sub("", text)


def section(text: str, heading: str) -> str:
    """Return the text from a heading of the second level to the next one."""
    return next(
        part
        for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        if part.partition("\n")[0] == heading
    )


def sections(text: str, level: int) -> dict[str, str]:
    """Return the text below each heading of a level, up to the next heading of any level."""
    parts = re.split(r"^(#+) (.+)$", prose(text), flags=re.MULTILINE)[1:]
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return {title: body for marks, title, body in triples if len(marks) == level}


def first_cells(text: str) -> list[str]:
    """Return the code spans in the first cells of all rows of tables."""
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def code(text: str) -> list[str]:
    """Return the code spans in the prose of a page, each on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(text))]


def command_lines(text: str) -> list[str]:
    """List the command lines of the shell blocks, with continued lines joined."""
    lines = "".join(blocks(text, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip()]
