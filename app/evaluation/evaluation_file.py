"""Files of an evaluation: its figures, and the scores of songs."""

import csv
import io
import json
from pathlib import Path

from app.errors import SetupError
from app.evaluation.evaluate import pool_windows
from app.evaluation.figures import Evaluation
from app.evaluation.scoring import Scored
from app.files import write_atomically
from app.paths import read_file, reason
from app.store.manifest.tables import validate
from app.tagging.pooling import Pooling
from app.text import csv_cell

LARGEST = 64 * 2**20
"""The limit of a file of figures, in bytes."""


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write figures, atomically.

    Raises:
        SetupError: They can't be written.
    """
    write_atomically(path, evaluation.model_dump_json(indent=1).encode() + b"\n")


def read_evaluation(path: Path) -> Evaluation:
    """Read figures.

    Raises:
        SetupError: They can't be read, or are not such figures.
    """
    try:
        values = json.loads(read_file(path, LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise SetupError(f"{path}: the figures can't be read: {reason(error)}") from error
    if not isinstance(values, dict):
        raise SetupError(f"{path}: not figures that `taggram evaluate` wrote")
    return validate(Evaluation, values, str(path))


def write_scores(path: Path, scored: Scored) -> None:
    """Write the songs' mean scores as CSV: a row per track, a column per tag.

    Raises:
        SetupError: They can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["track_id", *map(csv_cell, scored.tags)])
    for track_id, scores in zip(scored.ids, pool_windows(scored, Pooling.MEAN), strict=True):
        writer.writerow([track_id, *(f"{score:.6f}" for score in scores)])
    write_atomically(path, text.getvalue().encode())
