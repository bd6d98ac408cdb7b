"""Which words may be shown: on pages, and in tables that spreadsheets open."""

import unicodedata

FORMULA = ("=", "+", "-", "@")
"""With which cells begin that spreadsheets compute."""

NO_TEXT = {"Cc", "Cs"}
"""Unicode's categories of control characters and of lone surrogates."""


def is_shown(text: str) -> bool:
    """Whether all of it can be shown."""
    return not any(unicodedata.category(character) in NO_TEXT for character in text)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would compute it."""
    return unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA)


def checked_word(text: str) -> str:
    """The same word.

    Raises:
        ValueError: It is blank, can't be shown, or is a formula.
    """
    if not text.strip() or not is_shown(text) or is_formula(text):
        raise ValueError(
            f"{text!r} is no word: it is blank, has characters that can't be shown, or begins "
            "like a formula"
        )
    return text
