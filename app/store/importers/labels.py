"""Reads lists of labels, in the order of a network's outputs."""

import csv
from collections import Counter
from pathlib import Path

from app.errors import SetupError
from app.paths import read_file
from app.store.storage.store import LARGEST_TEXT

CSV = ".csv"
_COLUMNS = ("display_name", "label", "tag", "name")
"""The columns of a CSV file that hold labels; the first is AudioSet's."""


def read_labels(path: Path) -> tuple[str, ...]:
    """Read labels: one per line, or the column of a CSV file; empty ones are skipped.

    Raises:
        SetupError: It can't be read, is empty, has no such column, or names a label twice.
    """
    text = _text(path)
    found = _column(path, text) if path.suffix.lower() == CSV else text.splitlines()
    labels = tuple(label.strip() for label in found if label.strip())
    if not labels:
        raise SetupError(f"{path}: the file has no tags; write one per line")
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise SetupError(f"{path}: the tag {label!r} appears {count} times; write it once")
    return labels


def _text(path: Path) -> str:
    try:
        return read_file(path, LARGEST_TEXT).decode("utf-8-sig")
    except OSError as error:
        raise SetupError(f"{path}: the tags can't be read: {error.strerror}") from error
    except UnicodeError as error:
        raise SetupError(f"{path}: the tags are not in UTF-8") from error


def _column(path: Path, text: str) -> list[str]:
    try:
        rows = list(csv.DictReader(text.splitlines(), strict=True))
    except csv.Error as error:
        raise SetupError(f"{path}: this is not a valid CSV file: {error}") from error
    for column in _COLUMNS:
        if rows and column in rows[0]:
            return [row[column] or "" for row in rows]
    raise SetupError(
        f"{path}: expected a header with one of the columns {', '.join(_COLUMNS)}, and rows"
    )
