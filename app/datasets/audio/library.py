"""A folder of fetched audio, `<dataset>/<path>` for each file, and what was brought there.

    fetched.tsv         a line for each file that was brought: SHA-256, size in bytes, path

A file is noted just before it gets its name. So what is there without a note was not brought by us,
and stays as it is. The list may come from elsewhere, with the folder: a path in it that leads out
of the folder is refused, and links are not followed to what is written or deleted.
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
"""Characters; no path is longer."""


@dataclass(frozen=True)
class Brought:
    """A file that was fetched: SHA-256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, eq=False)
class Library:
    """See above; for one process at a time, and any number of its threads.

    Attributes:
        folder: Where.
        ledger: What was brought, by path.
    """

    folder: Path
    ledger: dict[str, Brought]
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def has(self, path: str, checksum: str | None) -> bool:
        """Whether a file was brought, is still as long, and was what is wanted now.

        Args:
            path: `<dataset>/<path>`.
            checksum: Its SHA-256, where it is known.
        """
        known, there = self.ledger.get(path), self.folder / path
        if known is None or not there.is_file() or there.stat().st_size != known.size:
            return False
        return checksum in {None, known.sha256}

    def place(self, path: str) -> Path:
        """Return where a file is written or deleted.

        Raises:
            SetupError: It leads out of the folder.
        """
        return resolve_inside(self.folder, path)

    def is_foreign(self, path: str) -> bool:
        """Whether a file is there that was not brought."""
        return path not in self.ledger and (self.folder / path).exists()

    def note(self, path: str, brought: Brought) -> None:
        """Write down that a file is about to get its name; one that has it gives way.

        Raises:
            OSError: It can't be written.
            SetupError: It leads out of the folder.
        """
        self.place(path).unlink(missing_ok=True)
        with self._noting, (self.folder / LEDGER).open("a", encoding="utf-8") as ledger:
            ledger.write(_line(path, brought))
            self.ledger[path] = brought

    def unneeded(self, wanted: Iterable[str]) -> list[str]:
        """What was brought and is wanted no more."""
        return sorted(self.ledger.keys() - set(wanted))

    def remove(self, paths: Iterable[str]) -> None:
        """Delete files that were brought.

        Raises:
            SetupError: One leads out of the folder, or can't be deleted; it stays noted.
        """
        places = {path: self.place(path) for path in paths}  # one that is refused, and none goes
        try:
            for path, place in places.items():
                place.unlink(missing_ok=True)
                del self.ledger[path]
        except OSError as error:
            raise SetupError(f"{error.filename}: it can't be removed: {error.strerror}") from error
        finally:
            _write(self.folder / LEDGER, self.ledger)


@contextmanager
def opened(folder: Path) -> Iterator[Library]:
    """Read what was brought, and keep other runs out meanwhile.

    Raises:
        SetupError: The folder can't be used, or another run fills it.
    """
    with locked_folder(folder):
        path = folder / LEDGER
        lines = _lines(path) if path.is_symlink() or path.exists() else []
        # The disk was full; what is noted next must not go on in this line.
        is_cut = bool(lines) and not lines[-1].endswith("\n")
        whole = lines[:-1] if is_cut else lines
        ledger = dict(_noted(path, number, line[:-1]) for number, line in enumerate(whole, 1))
        if is_cut:
            _write(path, ledger)
        yield Library(folder, ledger)


def read_checksums(path: Path) -> dict[str, str]:
    """Read lines of `SHA-256  <dataset>/<path>`, as sha256sum writes them.

    Raises:
        SetupError: A line is something else, or the file can't be read.
    """
    checksums = {}
    for number, line in enumerate(_lines(path), 1):
        found = re.fullmatch(r"([0-9a-fA-F]{64}) [ *]?(.+)", line.rstrip("\r\n"))
        if not found:
            raise SetupError(f"{path}:{number}: expected a SHA-256, two spaces and a path")
        checksums[found[2]] = found[1].lower()
    return checksums


def _noted(ledger: Path, number: int, line: str) -> tuple[str, Brought]:
    found = re.fullmatch("([0-9a-f]{64})\t([0-9]{1,18})\t([^\t]+)", line)
    if not found:
        raise SetupError(
            f"{ledger}:{number}: expected a SHA-256, a size and a path; remove the line, and its "
            "file counts as your own"
        )
    try:
        join_inside(ledger.parent, found[3])
    except SetupError as error:
        raise SetupError(f"{ledger}:{number}: {error}; remove the line") from error
    return found[3], Brought(found[1], int(found[2]))


def _lines(path: Path) -> list[str]:
    """The lines of a list, with their ends.

    Raises:
        SetupError: It can't be read, is a link, or is no list.
    """
    try:
        if path.name == LEDGER and path.is_symlink():
            raise SetupError(f"{path}: it is a link; put the file itself there")
        with io.TextIOWrapper(open_file(path), encoding="utf-8", newline="\n") as file:
            return list(bounded_lines(file, LONGEST_LINE))
    except (OSError, ValueError) as error:
        raise SetupError(f"{path}: it can't be read: {reason(error)}") from error


def _line(path: str, brought: Brought) -> str:
    return f"{brought.sha256}\t{brought.size}\t{path}\n"


def _write(path: Path, ledger: dict[str, Brought]) -> None:
    write_atomically(
        path, "".join(_line(each, brought) for each, brought in ledger.items()).encode()
    )
