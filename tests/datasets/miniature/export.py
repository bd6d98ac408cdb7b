"""The real metadata, each read once; FMA's export in the layout of the real `tracks.csv`."""

import csv
import shutil
from functools import cache
from pathlib import Path

from app.datasets.loaders import mtat, mtg_jamendo
from app.datasets.loaders.dataset import Dataset
from tests.conftest import SHARED

METADATA = SHARED / "metadata"

MADE_UP = {"set.split": "training", "set.subset": "large", "artist.name": "Somebody"}
"""Columns that the export has not."""


def export_fma(into: Path) -> Path:
    """Write `tracks.csv` and `genres.csv`."""
    shutil.copy(METADATA / "fma" / "genres.csv", into)
    with (
        (METADATA / "fma" / "fma-rock-vs-hiphop.csv").open(encoding="utf-8", newline="") as source,
        (into / "tracks.csv").open("w", encoding="utf-8", newline="") as target,
    ):
        rows, writer = csv.reader(source), csv.writer(target)
        own = [f"track.{column}" for column in next(rows)[1:]]
        columns = [column.split(".", 1) for column in (*MADE_UP, *own)]
        writer.writerow(["", *(group for group, _ in columns)])
        writer.writerow(["", *(name for _, name in columns)])
        writer.writerow(["track_id", *("" for _ in columns)])
        writer.writerows([row[0], *MADE_UP.values(), *row[1:]] for row in rows)
    return into


@cache
def real_mtat() -> Dataset:
    return mtat.load(METADATA / "mtat")


@cache
def real_mtg_jamendo() -> Dataset:
    return mtg_jamendo.load(METADATA / "mtg-jamendo")
