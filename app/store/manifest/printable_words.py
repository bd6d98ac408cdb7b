"""Which words may be shown: on pages, and in tables that spreadsheets open."""

from app.text import is_formula, is_shown


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
