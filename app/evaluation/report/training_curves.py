"""Read `curves.csv` of a training, with a row for each epoch."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import SetupError
from app.paths import bounded_lines, open_file, reason

METRICS = {"loss": "Loss", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}
"""Titles by the column of training; validation's columns have the prefix `val_`."""

LONGEST_LINE = 2**16

NUMBERS = ("epoch", *METRICS, *(f"val_{name}" for name in METRICS))


@dataclass(frozen=True)
class Curves:
    """The figures of a training.

    Attributes:
        values: By column, a value for each epoch; NaN if it was not measured.
        stages: The name of each epoch's stage.
    """

    values: Mapping[str, tuple[float, ...]]
    stages: tuple[str, ...]

    @property
    def best(self) -> int | None:
        """The index of the epoch with the highest validation PR-AUC, or None if not measured."""
        measured = [
            (value, -at)
            for at, value in enumerate(self.values["val_pr_auc"])
            if math.isfinite(value)
        ]
        return -max(measured)[1] if measured else None

    @property
    def changes(self) -> tuple[float, ...]:
        """The first epoch of each stage but the first."""
        epochs = self.values["epoch"]
        pairs = zip(self.stages, self.stages[1:], strict=False)
        return tuple(epochs[at] for at, (one, next_) in enumerate(pairs, 1) if one != next_)


def read_curves(path: Path) -> Curves:
    """Read the curves of a training.

    Raises:
        SetupError: The file can't be read, lacks a column, or has an invalid number.
    """
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(bounded_lines(file, LONGEST_LINE)))
    except (OSError, ValueError, csv.Error) as error:
        raise SetupError(f"{path}: can't be read: {reason(error)}") from error
    if not rows:
        raise SetupError(f"{path}: it has no epochs; train first, or leave out the curves")
    missing = [name for name in (*NUMBERS, "stage") if name not in rows[0]]
    if missing:
        raise SetupError(f"{path}: the column {missing[0]} is missing; `taggram train` writes it")
    values = {
        name: tuple(_value(path, line, name, row) for line, row in enumerate(rows, 2))
        for name in NUMBERS
    }
    return Curves(values, tuple(row["stage"] or "" for row in rows))


def _value(path: Path, line: int, name: str, row: Mapping[str, str | None]) -> float:
    text = (row[name] or "").strip()
    try:
        value = float(text) if text else math.nan
    except ValueError:
        raise SetupError(f"{path}: line {line}, {name}: {text!r} is not a number") from None
    if name == "epoch" and not math.isfinite(value):
        raise SetupError(f"{path}: line {line}, epoch: the number is missing")
    return value if math.isfinite(value) else math.nan
