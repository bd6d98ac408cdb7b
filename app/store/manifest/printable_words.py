"""Checks words that appear on pages and in tables that spreadsheets open."""

from app.text import is_formula, is_shown


def checked_word(text: str) -> str:
    """Return a word unchanged if it can be displayed safely.

    Raises:
        ValueError: It is blank, has unprintable characters, or could be run as a formula.
    """
    if not text.strip() or not is_shown(text) or is_formula(text):
        raise ValueError(
            f"{text!r} is not a valid word: it is blank, has characters that can't be displayed, "
            "or begins like a formula"
        )
    return text
