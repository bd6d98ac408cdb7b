"""What the service kept of the feedback that pages gave."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from testing.waiting import wait_for

WITH = """
SELECT vocabulary, rank, tag, verdict FROM feedback
WHERE feedback_id = (SELECT feedback_id FROM feedback WHERE tag = ?) ORDER BY rowid
"""


def feedback_with(file: Path, tag: str) -> Sequence[tuple[str, int | None, str, str]]:
    """Wait for the feedback that a tag occurs in; it may come after the page has gone.

    Returns:
        Rows of vocabulary, rank, tag and verdict, in the order in which they were kept.
    """
    rows: list[tuple[str, int | None, str, str]] = []

    def came() -> bool:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as kept:
            rows.extend(kept.execute(WITH, [tag]))
        return bool(rows)

    wait_for(came, f"feedback with {tag!r}")
    return rows
