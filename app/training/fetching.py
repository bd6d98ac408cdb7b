"""Brings the files that a split needs, and takes away what it needs no more.

Each file is written beside its place and then moved there, and only then noted in `fetched.tsv`; so
a run that was killed goes on, and nothing is removed that was not brought.
"""

import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import fsspec

from app.errors import SetupError
from app.training.files import write_whole

LEDGER = "fetched.tsv"

ATTEMPTS = 4
PAUSE_S = 0.5
"""Before the second attempt; twice as long before each further one."""

THREADS = 8

_ROOM_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Brought:
    """A file that was fetched: SHA-256 and size in bytes."""

    sha256: str
    size: int


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


@dataclass(frozen=True, eq=False)
class Library:
    """A folder of fetched audio: `<dataset>/<path>` for each file.

    Attributes:
        folder: Where.
        ledger: What was brought, by path.
    """

    folder: Path
    ledger: dict[str, Brought]
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def has(self, path: str) -> bool:
        """Whether a file was brought and is still as long."""
        known, there = self.ledger.get(path), self.folder / path
        return known is not None and there.is_file() and there.stat().st_size == known.size

    def note(self, path: str, brought: Brought) -> None:
        """Write down that a file is there."""
        with self._noting, (self.folder / LEDGER).open("a", encoding="utf-8") as ledger:
            ledger.write(f"{brought.sha256}\t{brought.size}\t{path}\n")
            self.ledger[path] = brought

    def unneeded(self, wanted: Iterable[str]) -> list[str]:
        """What was brought and is wanted no more."""
        return sorted(self.ledger.keys() - set(wanted))

    def remove(self, paths: Iterable[str]) -> None:
        """Delete files that were brought."""
        for path in paths:
            (self.folder / path).unlink(missing_ok=True)
            del self.ledger[path]
        lines = (f"{each.sha256}\t{each.size}\t{path}\n" for path, each in self.ledger.items())
        write_whole(self.folder / LEDGER, "".join(lines).encode())


def open_library(folder: Path) -> Library:
    """Read what was brought; a last line that a kill cut off does not count.

    Raises:
        SetupError: The folder can't be made or read.
    """
    ledger: dict[str, Brought] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LEDGER
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise SetupError(f"{folder}: it can't be used: {error.strerror}") from error
    for line in lines:
        digest, _, rest = line.partition("\t")
        size, _, name = rest.partition("\t")
        if name.endswith("\n") and size.isdigit():
            ledger[name[:-1]] = Brought(digest, int(size))
    return Library(folder, ledger)


def read_checksums(path: Path) -> dict[str, str]:
    """Read lines of `SHA-256  path`, as sha256sum writes them.

    Raises:
        SetupError: A line is something else, or the file can't be read.
    """
    checksums = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: it can't be read: {error}") from error
    for number, line in enumerate(lines, 1):
        digest, _, name = line.partition("  ")
        if len(digest) != hashlib.sha256().digest_size * 2 or not name:
            raise SetupError(f"{path}:{number}: expected a SHA-256, two spaces and a path")
        checksums[name] = digest.lower()
    return checksums


def fetch(
    library: Library,
    wanted: Sequence[str],
    sources: Mapping[str, str],
    checksums: Mapping[str, str],
    watch: Callable[[int], None],
) -> Fetched:
    """Bring what is wanted and not there.

    Args:
        library: Where to.
        wanted: `<dataset>/<path>` of each file.
        sources: Of each dataset a folder, or a URL that fsspec knows.
        checksums: SHA-256 by `<dataset>/<path>`, as far as they are known.
        watch: Told after each file how many were done.

    Raises:
        SetupError: A dataset has no source, or the disk is full; what came stays.
    """
    missing = [path for path in wanted if not library.has(path)]
    for dataset in {path.partition("/")[0] for path in missing}:
        if dataset not in sources:
            raise SetupError(f"no source for {dataset}; name it by --from {dataset}=FOLDER_OR_URL")
    failed: dict[str, str] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        bringing = {
            threads.submit(_bring, library, path, sources, checksums.get(path)): path
            for path in missing
        }
        for number, done in enumerate(as_completed(bringing), 1):
            try:
                done.result()
            except SetupError:
                threads.shutdown(cancel_futures=True)
                raise
            except (OSError, ValueError) as error:
                failed[bringing[done]] = str(error)
            watch(number)
    return Fetched(len(missing) - len(failed), len(wanted) - len(missing), failed)


def _bring(library: Library, path: str, sources: Mapping[str, str], checksum: str | None) -> None:
    dataset, _, within = path.partition("/")
    target = library.folder / path
    beside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(ATTEMPTS):
            try:
                brought = _copied(f"{sources[dataset].rstrip('/')}/{within}", beside, checksum)
                break
            except FileNotFoundError:
                raise
            except (OSError, ValueError) as error:
                if getattr(error, "errno", None) in _ROOM_ERRORS or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(PAUSE_S * 2**attempt)
        beside.replace(target)
        library.note(path, brought)
    except OSError as error:
        if error.errno in _ROOM_ERRORS:
            raise SetupError(
                f"{library.folder}: there is no room for {path}; make some and run it again, it "
                "goes on from here"
            ) from error
        raise
    finally:
        beside.unlink(missing_ok=True)


def _copied(source: str, target: Path, checksum: str | None) -> Brought:
    digest, size = hashlib.sha256(), 0
    with fsspec.open(source, "rb") as remote, target.open("wb") as file:
        while piece := remote.read(2**20):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if checksum is not None and digest.hexdigest() != checksum:
        raise ValueError(f"its SHA-256 is {digest.hexdigest()}, not {checksum}")
    return Brought(digest.hexdigest(), size)
