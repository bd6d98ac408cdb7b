"""Names, comments, docstrings, messages and pages use plain words."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PAGES = [
    *sorted((REPOSITORY / "docs").glob("*.md")),
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
CODE = sorted((REPOSITORY / "app").rglob("*.py"))

BANNED = {
    "anew",
    "beside",
    "hear",
    "heard",
    "hearing",
    "hears",
    "his",
    "lexicon",
    "mended",
    "nobody",
    "somebody",
    "spoilt",
    "tells",
    "told",
    "whoever",
    "whom",
    "wish",
    "wished",
    "wishes",
}
"""Words for which the field has terms: a model infers, a client sends, a function is called."""

PHRASES = re.compile(r"\b(as ever|gives? way|listens to|one's own|so many|so much)\b")
ALLOWED = {"heard_as", "heard_at", '"heard instead"'}
"""Names of released interfaces, and the column of a table."""


def words_of(name: str) -> set[str]:
    """Return the lower-case words of an identifier."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def banned_in_text(text: str) -> set[str]:
    """Return the banned words and phrases of a text."""
    lower = text.lower()
    return BANNED & set(re.findall(r"\b[a-z]+\b", lower)) | set(PHRASES.findall(lower))


def banned_in_code(source: str) -> Iterator[tuple[int, str]]:
    """Yield line numbers and banned words of names, comments and strings."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        found: set[str] = set()
        if token.string in ALLOWED:
            continue
        if token.type == tokenize.NAME:
            found = BANNED & words_of(token.string)
        elif token.type in (tokenize.COMMENT, tokenize.STRING):
            found = banned_in_text(token.string)
        yield from ((token.start[0], word) for word in sorted(found))


def test_code_has_no_banned_words() -> None:
    assert CODE
    found = {str(path): list(banned_in_code(path.read_text())) for path in CODE}
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_have_no_banned_words(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), 1)
    assert [(number, found) for number, line in lines if (found := banned_in_text(line))] == []


@pytest.mark.parametrize(
    "source",
    [
        "def hear(): ...",
        "x = 'nobody waits'",
        "# as ever",
        '"""Who listens to it."""',
        "isTold = 1",
    ],
)
def test_a_banned_word_is_found(source: str) -> None:
    assert list(banned_in_code(source))


def test_released_names_and_other_words_are_allowed() -> None:
    source = '"""`heard_at` of a track; `taggram data listen`."""\nheard_at = socket.listen()'
    assert not list(banned_in_code(source))
