"""Text from elsewhere, made harmless where it is shown: on terminals, in tables and pictures."""

import unicodedata

UNSHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of control and format characters, lone surrogates, line and paragraph ends.
They move a terminal's cursor, turn text around, or begin a new line."""

UNWRITABLE = {"Cc", "Cs"}
"""Of them those that no word may have; Persian, Hindi and others write with format characters."""

FORMULA = ("=", "+", "-", "@")
"""With which cells begin that spreadsheets compute."""


def printable(text: str) -> str:
    """Return a line in which each control and format character is a question mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("?" if unicodedata.category(each) in UNSHOWN else each for each in text)


def printable_lines(text: str) -> str:
    """Return text of several lines, each of them as `printable` has it."""
    return "\n".join(map(printable, text.split("\n")))


def csv_cell(text: str) -> str:
    """Return a cell of a table for spreadsheets: what they would compute begins with `'`."""
    shown = printable(text)
    return f"'{shown}" if is_formula(text) or is_formula(shown) else shown


def is_shown(text: str) -> bool:
    """Return whether a word may be shown on pages, which replace nothing."""
    return not any(unicodedata.category(each) in UNWRITABLE for each in text)


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet would compute a cell of this text."""
    return unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA)
