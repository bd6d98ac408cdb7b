"""Writes a taggram as a table."""

import csv
import io
from collections.abc import Sequence

from app.domain import Scores
from app.text import csv_cell


def tabulate(times_s: Sequence[float], tags: Sequence[str], scores: Scores) -> str:
    """Return scores as CSV, with a row for each window and a column for each tag.

    Args:
        times_s: The start of each window, in seconds.
        tags: The names of the columns.
        scores: (windows, tags) float32.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time_s", *map(csv_cell, tags)])
    for time_s, row in zip(times_s, scores, strict=True):
        writer.writerow([f"{time_s:.3f}", *(f"{score:.6f}" for score in row)])
    return text.getvalue()
