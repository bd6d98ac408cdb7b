"""A taggram as a table."""

import csv
import io
from collections.abc import Sequence

from app.domain import Scores
from app.text import csv_cell


def tabulate(times_s: Sequence[float], tags: Sequence[str], scores: Scores) -> str:
    """List scores, (windows, tags), as CSV: a row a window, a column a tag."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time_s", *map(csv_cell, tags)])
    for time_s, row in zip(times_s, scores, strict=True):
        writer.writerow([f"{time_s:.3f}", *(f"{score:.6f}" for score in row)])
    return text.getvalue()
