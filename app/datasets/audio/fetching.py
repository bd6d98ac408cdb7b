"""Brings the files that a split needs, from folders or from whatever fsspec reaches.

A run that was stopped goes on: see `app.datasets.audio.library` for what counts as there.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import fsspec

from app.datasets.audio.library import Brought, Library
from app.datasets.tracks import Split
from app.errors import SetupError
from app.files import atomic_file, write_error
from app.masking import mask, remember
from app.paths import check_is_file, is_inside, open_file
from app.urls import check_scheme

ATTEMPTS = 4
PAUSE_S = 0.5
"""Before the second attempt; twice as long before each further one."""

THREADS = 8
PIECE_BYTES = 2**20

_LONGEST_REASON = 300
"""Characters; what lies behind a URL may answer with a page."""


@dataclass(frozen=True)
class Fetched:
    """What became of the files that are needed.

    Attributes:
        brought: How many came now.
        known: How many were there.
        failed: Paths of those that did not come, with the reason.
    """

    brought: int
    known: int
    failed: dict[str, str]


class _NotBroughtError(Exception):
    """A file did not come, and why; `again` where another attempt may help."""

    def __init__(self, why: str, *, again: bool = False) -> None:
        super().__init__(mask(" ".join(why.split()))[:_LONGEST_REASON])
        self.again = again


class Source:
    """Where a dataset's files come from."""

    def __init__(self, url: str) -> None:
        """Say where they are.

        Args:
            url: A folder, or any URL that fsspec knows.

        Raises:
            SetupError: It is neither, or a library is missing.
        """
        remember(url)
        try:
            check_scheme(url)
        except SetupError as error:
            raise SetupError(f"{url}: {error}") from error
        try:
            self._system, root = fsspec.url_to_fs(url)
        except ImportError as error:
            raise SetupError(
                f"{url}: a library is needed that is not installed: {error}; those for s3:// and "
                "https:// come with `pip install taggram[s3]`"
            ) from error
        except ValueError as error:
            raise SetupError(f"{url}: {error}") from error
        self._is_local = "file" in self._system.protocol
        if self._is_local and not Path(root).is_dir():
            raise SetupError(f"{url}: there is no such folder")
        self._root = root.rstrip("/")
        self._quoted = "http" in self._system.protocol

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's content."""
        within = quote(path) if self._quoted else path
        place = f"{self._root}/{within}"
        try:
            if self._is_local:
                check_is_file(Path(place))
            with self._system.open(place, "rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except FileNotFoundError as error:
            raise _NotBroughtError("it is not there") from error
        except PermissionError as error:
            raise _NotBroughtError("it may not be read") from error
        except Exception as error:  # each of fsspec's libraries has its own
            raise _NotBroughtError(str(error) or type(error).__name__, again=True) from error


def needed(split: Split) -> list[str]:
    """The files that a split hears, as `<dataset>/<path>`.

    Raises:
        SetupError: One is not below its dataset's folder.
    """
    paths = [f"{each.track.dataset}/{each.track.path}" for each in split.placed if each.repeats]
    for path in paths:
        if not is_inside(path) or "/" not in path or re.search("[\\t\\n]", path):
            raise SetupError(
                f"{path!r}: no file of a dataset can be called so; make the split anew"
            )
    return paths


def fetch(
    library: Library,
    wanted: Sequence[str],
    sources: Mapping[str, Source],
    checksums: Mapping[str, str],
    on_progress: Callable[[int, int], None],
) -> Fetched:
    """Bring what is wanted and not there.

    Args:
        library: Where to.
        wanted: `<dataset>/<path>` of each file.
        sources: By dataset.
        checksums: SHA-256 by `<dataset>/<path>`, as far as they are known.
        on_progress: Told after each file how many are done, of how many.

    Raises:
        SetupError: A dataset has no source, or the disk is full; what came stays.
    """
    missing = [path for path in wanted if not library.has(path, checksums.get(path))]
    foreign = {path for path in missing if library.is_foreign(path)}
    failed = _differing(library, foreign, checksums)
    missing = [path for path in missing if path not in foreign]
    _refuse_unknown(missing, sources)
    for number, (path, why) in enumerate(_brought(library, missing, sources, checksums), 1):
        if why:
            failed[path] = why
        on_progress(number, len(missing))
    came = len(missing) - len(failed.keys() - foreign)
    return Fetched(came, len(wanted) - came - len(failed), failed)


def _differing(library: Library, foreign: set[str], checksums: Mapping[str, str]) -> dict[str, str]:
    """Of the files that were not brought those that are other ones than they should be."""
    return {
        path: "another file is there that was not fetched; move it away"
        for path in foreign & checksums.keys()
        if _digest(library.folder / path) != checksums[path]
    }


def _refuse_unknown(missing: Sequence[str], sources: Mapping[str, Source]) -> None:
    unknown = {_dataset(path)[0] for path in missing} - sources.keys()
    if unknown:
        options = " ".join(f"--from {each}=FOLDER_OR_URL" for each in sorted(unknown))
        raise SetupError(f"nobody said where {', '.join(sorted(unknown))} comes from: {options}")


def _brought(
    library: Library,
    paths: Sequence[str],
    sources: Mapping[str, Source],
    checksums: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Bring files, in any order; each with the reason why it did not come, if it did not."""
    threads = ThreadPoolExecutor(THREADS)
    try:
        bringing = {
            threads.submit(_bring, library, path, sources, checksums.get(path)): path
            for path in paths
        }
        for done in as_completed(bringing):
            yield bringing[done], done.result()
    finally:
        threads.shutdown(cancel_futures=True)


def _bring(library: Library, path: str, sources: Mapping[str, Source], checksum: str | None) -> str:
    dataset, within = _dataset(path)
    for attempt in range(ATTEMPTS):
        try:
            _copy(sources[dataset].pieces(within), library, path, checksum)
        except _NotBroughtError as error:
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
        brought = _written(pieces, file)
        if checksum not in {None, brought.sha256}:
            raise _NotBroughtError(f"its SHA-256 is {brought.sha256}, not {checksum}", again=True)
        file.flush()  # a full disk is told before anything is noted
        library.note(path, brought)


def _written(pieces: Iterator[bytes], file: BinaryIO) -> Brought:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    return Brought(digest.hexdigest(), size)


def _digest(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dataset(path: str) -> tuple[str, str]:
    dataset, _, within = path.partition("/")
    return dataset, within
