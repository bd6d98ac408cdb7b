"""Makes untrusted text safe for terminals, tables and pictures."""

import unicodedata

UNSHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of control and format characters, lone surrogates, line and paragraph ends.
They move a terminal's cursor, reverse text, or begin a new line."""

UNWRITABLE = {"Cc", "Cs"}
"""The categories that tags must not contain; Persian, Hindi and others need format characters."""

FORMULA = ("=", "+", "-", "@")
"""The first characters of cells that spreadsheets evaluate as formulas."""


def printable(text: str) -> str:
    """Return a text in one line, with control and format characters replaced by question marks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("?" if unicodedata.category(each) in UNSHOWN else each for each in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines, with `printable` applied to each."""
    return "\n".join(map(printable, text.split("\n")))


def csv_cell(text: str) -> str:
    """Return a cell of a table for spreadsheets, with `'` before a formula."""
    shown = printable(text)
    return f"'{shown}" if is_formula(text) or is_formula(shown) else shown


def is_shown(text: str) -> bool:
    """Return whether a text may be shown on pages, where no characters are replaced."""
    return not any(unicodedata.category(each) in UNWRITABLE for each in text)


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet would evaluate a cell with this text."""
    return unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA)
