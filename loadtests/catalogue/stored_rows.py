"""Time and memory of the commands that need no audio: `compact`, `compare`, `duplicates`.

    python -m loadtests.catalogue.stored_rows [TRACKS]

The rows are random: 50 tags, embeddings of 200 numbers, files of 256 rows. Each command runs in a
separate process; its memory is the largest that it had.
"""

import hashlib
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.catalogue.entries import OK, Entry
from app.catalogue.results import BATCH_ROWS
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow
from app.catalogue.storage import open_storage
from app.catalogue.tables import write_batch
from app.domain import ModelRef
from loadtests.report import Row, argument, publish
from testing.server import COMMAND

TRACKS = 100_000
TAGS = 50
EMBEDDING = 200
MODELS = ("model/1", "model/2")


def main() -> None:
    """Write the rows, run the commands, print the table."""
    tracks = argument(TRACKS)
    with tempfile.TemporaryDirectory() as folder:
        for version in ("1", "2"):
            _write(Path(folder), version, tracks)
        rows = [
            _measure("status", folder),
            _measure("compact", folder),
            _measure("compare", folder, *MODELS),
            _measure("duplicates", folder, "--model", MODELS[0]),
        ]
    publish("stored_rows", f"commands on the rows of {tracks:,} tracks and two models", rows)


def _write(folder: Path, version: str, tracks: int) -> None:
    names = tuple(f"tag {number}" for number in range(TAGS))
    tags = ScoredTags(ModelRef("model", version), names, EMBEDDING)
    random = np.random.RandomState(int(version))
    out = open_storage(folder)
    for first in range(0, tracks, BATCH_ROWS):
        batch = range(first, min(first + BATCH_ROWS, tracks))
        write_batch(out, tags, [_row(number, random) for number in batch])


def _row(number: int, random: np.random.RandomState) -> TrackRow:
    outcome = Outcome(OK, duration_s=200.0, precision="bf16")
    outcome = replace(
        outcome,
        scores=random.uniform(0, 1, TAGS).astype(np.float32),
        embedding=random.standard_normal(EMBEDDING).astype(np.float16),
    )
    track_id = hashlib.sha256(str(number).encode()).hexdigest()
    entry = Entry(str(number), f"s3://bucket/songs/{number}.mp3", str(number % 1000))
    return TrackRow(entry, File("1-1", track_id), outcome, datetime.now(UTC))


def _measure(command: str, *arguments: str) -> Row:
    begun = time.monotonic()
    process = subprocess.Popen(
        [str(COMMAND), "catalogue", command, *arguments], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command}: status {process.returncode}"
    return {
        "command": command,
        "seconds": round(time.monotonic() - begun, 1),
        "CPU seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak memory, MB": round(usage.ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
