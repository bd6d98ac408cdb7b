"""A folder of fetched audio, `<dataset>/<path>` for each file, and its ledger.

    fetched.tsv         a line for each fetched file: SHA-256, size in bytes, path

A file is noted just before it gets its final name. So a file that isn't in the ledger was not
fetched by us, and is left alone. The ledger is not trusted: a path that leads out of the folder is
refused, and links are not followed when files are written or deleted.
"""

import io
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import SetupError
from app.files import locked_folder, write_atomically
from app.paths import bounded_lines, join_inside, open_file, reason, resolve_inside

LEDGER = "fetched.tsv"

LONGEST_LINE = 2**14
"""In characters; no path is longer."""


@dataclass(frozen=True)
class FetchedFile:
    """The SHA-256 of a fetched file, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, eq=False)
class Library:
    """The folder and its ledger; for one process at a time, and any number of its threads.

    Attributes:
        folder: Its path.
        ledger: The fetched files, by path.
    """

    folder: Path
    ledger: dict[str, FetchedFile]
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def has(self, path: str, checksum: str | None) -> bool:
        """Return whether a file was fetched, has the same size, and the expected checksum.

        Args:
            path: `<dataset>/<path>`.
            checksum: Its SHA-256, if known.
        """
        known, file = self.ledger.get(path), self.folder / path
        if known is None or not file.is_file() or file.stat().st_size != known.size:
            return False
        return checksum in {None, known.sha256}

    def place(self, path: str) -> Path:
        """Return the location of a file, for writing or deleting.

        Raises:
            SetupError: The path leads out of the folder.
        """
        return resolve_inside(self.folder, path)

    def is_foreign(self, path: str) -> bool:
        """Return whether a file exists that was not fetched."""
        return path not in self.ledger and (self.folder / path).exists()

    def note(self, path: str, fetched: FetchedFile) -> None:
        """Note that a file is about to get its final name; an existing file is deleted.

        Raises:
            OSError: It can't be written.
            SetupError: The path leads out of the folder.
        """
        self.place(path).unlink(missing_ok=True)
        with self._noting, (self.folder / LEDGER).open("a", encoding="utf-8") as ledger:
            ledger.write(_line(path, fetched))
            self.ledger[path] = fetched

    def unneeded(self, wanted: Iterable[str]) -> list[str]:
        """Return the fetched files that are not among those to fetch."""
        return sorted(self.ledger.keys() - set(wanted))

    def remove(self, paths: Iterable[str]) -> None:
        """Delete fetched files.

        Raises:
            SetupError: A path leads out of the folder, or can't be deleted; it stays in the ledger.
        """
        places = {path: self.place(path) for path in paths}  # if one is refused, none is deleted
        try:
            for path, place in places.items():
                place.unlink(missing_ok=True)
                del self.ledger[path]
        except OSError as error:
            raise SetupError(f"{error.filename}: can't be removed: {error.strerror}") from error
        finally:
            _write(self.folder / LEDGER, self.ledger)


@contextmanager
def open_library(folder: Path) -> Iterator[Library]:
    """Open a library and lock it against other runs.

    Raises:
        SetupError: The folder can't be used, or another run uses it.
    """
    with locked_folder(folder):
        path = folder / LEDGER
        lines = _lines(path) if path.is_symlink() or path.exists() else []
        # The disk was full; the next entry must not continue this line.
        is_cut = bool(lines) and not lines[-1].endswith("\n")
        whole = lines[:-1] if is_cut else lines
        ledger = dict(_noted(path, number, line[:-1]) for number, line in enumerate(whole, 1))
        if is_cut:
            _write(path, ledger)
        yield Library(folder, ledger)


def read_checksums(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each path, from lines of `SHA-256  <dataset>/<path>` of sha256sum.

    Raises:
        SetupError: A line has another form, or the file can't be read.
    """
    checksums = {}
    for number, line in enumerate(_lines(path), 1):
        found = re.fullmatch(r"([0-9a-fA-F]{64}) [ *]?(.+)", line.rstrip("\r\n"))
        if not found:
            raise SetupError(f"{path}:{number}: expected a SHA-256, two spaces and a path")
        checksums[found[2]] = found[1].lower()
    return checksums


def _noted(ledger: Path, number: int, line: str) -> tuple[str, FetchedFile]:
    found = re.fullmatch("([0-9a-f]{64})\t([0-9]{1,18})\t([^\t]+)", line)
    if not found:
        raise SetupError(
            f"{ledger}:{number}: expected a SHA-256, a size and a path; remove the line, and its "
            "file is left alone"
        )
    try:
        join_inside(ledger.parent, found[3])
    except SetupError as error:
        raise SetupError(f"{ledger}:{number}: {error}; remove the line") from error
    return found[3], FetchedFile(found[1], int(found[2]))


def _lines(path: Path) -> list[str]:
    """Return the lines of a file, with their ends.

    Raises:
        SetupError: It can't be read, is a link, or is not a list.
    """
    try:
        if path.name == LEDGER and path.is_symlink():
            raise SetupError(f"{path}: a link; replace it by the file itself")
        with io.TextIOWrapper(open_file(path), encoding="utf-8", newline="\n") as file:
            return list(bounded_lines(file, LONGEST_LINE))
    except (OSError, ValueError) as error:
        raise SetupError(f"{path}: can't be read: {reason(error)}") from error


def _line(path: str, fetched: FetchedFile) -> str:
    return f"{fetched.sha256}\t{fetched.size}\t{path}\n"


def _write(path: Path, ledger: dict[str, FetchedFile]) -> None:
    write_atomically(
        path, "".join(_line(each, fetched) for each, fetched in ledger.items()).encode()
    )
