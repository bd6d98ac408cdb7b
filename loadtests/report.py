"""What every benchmark ends with: a table to read, and the same figures as JSON to keep."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / ".cache" / "bench"

WIDE = 180
"""Columns of a table that goes into a file."""

out = Console(width=None if sys.stdout.isatty() else WIDE)

Row = Mapping[str, str | float | int | None]


def argument(default: int) -> int:
    """The number on the command line, or else this one."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default


def tally(answers: Iterable[object]) -> str:
    """How many there are of each answer, in their order."""
    counted = sorted(Counter(map(str, answers)).items())
    return ", ".join(f"{answer}: {count}" for answer, count in counted)


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Minimum, median and maximum, as they stand in a table."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{low:.{digits}f} / {middle:.{digits}f} / {high:.{digits}f}"


def publish(name: str, title: str, rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
    """Print the rows as a table and keep them with the notes in `.cache/bench/<name>.json`."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in columns))
    out.print(table)
    for note in notes:
        out.print(note, highlight=False)
    RESULTS.mkdir(parents=True, exist_ok=True)
    result = {
        "name": name,
        "title": title,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "rows": rows,
        "notes": notes,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def machine() -> dict[str, str | int | None]:
    """What a figure depends on besides the code."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "taggram": version("taggram"),
        "commit": _commit(),
    }


def _shown(value: str | float | int | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str | None:
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None
