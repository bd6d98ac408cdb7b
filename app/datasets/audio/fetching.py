"""Fetch the files that a split needs, from folders or any URL that fsspec supports.

A run that was stopped can be resumed: see `app.datasets.audio.library`.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.datasets.audio.file_source import FetchError, FileSource
from app.datasets.audio.library import FetchedFile, Library
from app.datasets.tracks import Split
from app.errors import SetupError
from app.files import atomic_file, write_error
from app.paths import is_inside, open_file

ATTEMPTS = 4
PAUSE_S = 0.5
"""The pause before the second attempt; it doubles before each further one."""

THREADS = 8


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch.

    Attributes:
        added: Number of files fetched now.
        known: Number of files fetched before.
        failed: By path of each failed file, the reason.
    """

    added: int
    known: int
    failed: dict[str, str]


def needed(split: Split) -> list[str]:
    """Return the files that a split uses, as `<dataset>/<path>`.

    Raises:
        SetupError: One is not inside its dataset's folder.
    """
    paths = [f"{each.track.dataset}/{each.track.path}" for each in split.placed if each.repeats]
    for path in paths:
        if not is_inside(path) or "/" not in path or re.search("[\\t\\n]", path):
            raise SetupError(
                f"{path!r}: not a valid path of a dataset's file; run `taggram data split` again"
            )
    return paths


def fetch(
    library: Library,
    wanted: Sequence[str],
    sources: Mapping[str, FileSource],
    checksums: Mapping[str, str],
    on_progress: Callable[[int, int], None],
) -> Fetched:
    """Fetch the files that the library lacks.

    Args:
        library: The destination.
        wanted: `<dataset>/<path>` of each file.
        sources: The source of each dataset, by its name.
        checksums: Known SHA-256 by `<dataset>/<path>`.
        on_progress: Called after each file with the numbers of files done and in all.

    Returns:
        The numbers of fetched and known files, and the failed ones.

    Raises:
        SetupError: A dataset has no source, or the disk is full; fetched files are kept.
        OSError: A file that was not fetched can't be read to compare its checksum.
    """
    missing = [path for path in wanted if not library.has(path, checksums.get(path))]
    foreign = {path for path in missing if library.is_foreign(path)}
    failed = _differing(library, foreign, checksums)
    missing = [path for path in missing if path not in foreign]
    _refuse_unknown(missing, sources)
    for number, (path, why) in enumerate(_fetched(library, missing, sources, checksums), 1):
        if why:
            failed[path] = why
        on_progress(number, len(missing))
    fetched = len(missing) - len(failed.keys() - foreign)
    return Fetched(fetched, len(wanted) - fetched - len(failed), failed)


def _differing(library: Library, foreign: set[str], checksums: Mapping[str, str]) -> dict[str, str]:
    """Return the files that were not fetched, but exist with other checksums than expected."""
    return {
        path: "a different file that was not fetched has this name; move it away"
        for path in foreign & checksums.keys()
        if _digest(library.folder / path) != checksums[path]
    }


def _refuse_unknown(missing: Sequence[str], sources: Mapping[str, FileSource]) -> None:
    unknown = {_split_path(path)[0] for path in missing} - sources.keys()
    if unknown:
        options = " ".join(f"--from {each}=FOLDER_OR_URL" for each in sorted(unknown))
        raise SetupError(f"{', '.join(sorted(unknown))}: no source given; add {options}")


def _fetched(
    library: Library,
    paths: Sequence[str],
    sources: Mapping[str, FileSource],
    checksums: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Fetch files in any order; yield each path with the error, or an empty string."""
    threads = ThreadPoolExecutor(THREADS)
    try:
        futures = {
            threads.submit(_fetch_file, library, path, sources, checksums.get(path)): path
            for path in paths
        }
        for done in as_completed(futures):
            yield futures[done], done.result()
    finally:
        threads.shutdown(cancel_futures=True)


def _fetch_file(
    library: Library, path: str, sources: Mapping[str, FileSource], checksum: str | None
) -> str:
    dataset, within = _split_path(path)
    for attempt in range(ATTEMPTS):
        try:
            _copy(sources[dataset].pieces(within), library, path, checksum)
        except FetchError as error:
            if not error.again or attempt == ATTEMPTS - 1:
                return str(error)
            time.sleep(PAUSE_S * 2**attempt)
        except OSError as error:
            raise write_error(library.folder / path, error) from error
        else:
            break
    return ""


def _copy(pieces: Iterator[bytes], library: Library, path: str, checksum: str | None) -> None:
    with atomic_file(library.place(path)) as file:
        fetched = _written(pieces, file)
        if checksum not in {None, fetched.sha256}:
            raise FetchError(f"its SHA-256 is {fetched.sha256}, expected {checksum}", again=True)
        file.flush()  # a full disk fails here, before the ledger is written
        library.note(path, fetched)


def _written(pieces: Iterator[bytes], file: BinaryIO) -> FetchedFile:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    return FetchedFile(digest.hexdigest(), size)


def _digest(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _split_path(path: str) -> tuple[str, str]:
    dataset, _, within = path.partition("/")
    return dataset, within
