"""Lists the tracks of a source: a folder, a URL prefix or a table."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from app.audio_files import find_audio, reason_to_skip
from app.catalogue.entries import (
    COLUMNS,
    REQUIRED,
    Entry,
    Listing,
    Problem,
    Row,
    check_columns,
    collect,
)
from app.catalogue.files import (
    UnreadableError,
    is_remote,
    list_remote,
    local_path,
    open_entry,
)
from app.catalogue.tables import parquet_rows
from app.errors import SetupError
from app.paths import bounded_lines, reason


def list_entries(source: str) -> Listing:
    """List the tracks of a source.

    Args:
        source: A folder, a URL prefix for fsspec, or the path or URL of a table: CSV, JSONL or
            Parquet with the columns of `COLUMNS`. Relative paths in a table begin at its folder.

    Raises:
        SetupError: It can't be read, or has no track.
    """
    path = local_path(source)
    if path and path.is_dir():
        listing = _list_folder(path)
    elif path or _suffix(source) in READERS:
        listing = _list_table(source)
    else:
        listing = _list_prefix(source)
    if not listing.entries and not listing.invalid:
        raise SetupError(
            f"{source}: it has no tracks; expected a folder or URL prefix with audio files, or a "
            f"table with the columns {', '.join(COLUMNS)}"
        )
    return listing


def _list_folder(folder: Path) -> Listing:
    found = find_audio(folder.absolute())
    root = folder.absolute()
    return Listing(
        [Entry(str(path.relative_to(root)), str(path)) for path in found.files],
        {str(path): (Problem.UNREADABLE, why) for path, why in found.unread.items()},
        {str(path): why for path, why in found.skipped.items()},
    )


def _list_prefix(url: str) -> Listing:
    listing = Listing()
    for name, uri in list_remote(url):
        if why := reason_to_skip(Path(name)):
            listing.skipped[uri] = why
        else:
            listing.entries.append(Entry(name, uri))
    return listing


def _list_table(source: str) -> Listing:
    path = local_path(source)
    if _suffix(source) not in READERS and (path is None or path.exists()):
        raise SetupError(f"{source}: expected a folder, or a table with .csv, .jsonl or .parquet")
    try:
        with open_entry(str(path or source)) as file:
            return collect(_entries(source, Path(f"/proc/self/fd/{file.fileno()}")))
    except UnreadableError as error:
        raise SetupError(f"{source}: can't be read: {error.detail}") from error
    except (OSError, ValueError, csv.Error) as error:  # Arrow's errors are among these
        raise SetupError(f"{source}: can't be read: {reason(error)}") from error


def _entries(source: str, content: Path) -> Iterator[tuple[str, Entry | str]]:
    """Yield the place and the entry of each row of a table, or why it is not valid."""
    path = local_path(source)
    base = source.rpartition("/")[0] if path is None else str(path.absolute().parent)
    for place, row in READERS[_suffix(source)](content):
        yield f"{source}, {place}", row if isinstance(row, str) else _entry(row, base)


def _suffix(source: str) -> str:
    return PurePosixPath(source).suffix.lower()


def _entry(row: Row, base: str) -> Entry | str:
    """Return the entry in a row, or why the row is not valid."""
    for column in REQUIRED:
        if not _text(row[column]):
            return f"{column} is {row[column]!r}; expected a text"
    uri = _text(row["uri"])
    if not is_remote(uri):
        uri = f"{base}/{uri}" if is_remote(base) and uri[0] != "/" else str(Path(base, uri))
    return Entry(_text(row["external_id"]), uri, _text(row.get("artist_id")) or None)


def _text(value: object) -> str:
    """Return an id or a URI as text; platforms number their tracks. Empty for other values."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if isinstance(value, str) or is_number else ""


def _csv_rows(path: Path) -> Iterator[tuple[str, Row | str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(bounded_lines(file))
        check_columns(list(reader.fieldnames or []))
        for row in reader:
            yield f"line {reader.line_num}", row


def _json_rows(path: Path) -> Iterator[tuple[str, Row | str]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(bounded_lines(file), 1):
            if line.strip():
                yield f"line {number}", _json_row(line)


def _json_row(line: str) -> Row | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not valid JSON: {error}"
    if not isinstance(row, dict):
        return "expected a JSON object"
    missing = [column for column in REQUIRED if column not in row]
    return f"it has no {missing[0]}" if missing else row


READERS = {".csv": _csv_rows, ".jsonl": _json_rows, ".parquet": parquet_rows}
"""The readers of tables, by suffix."""
