"""Which files of a folder are audio, by their names, and why each of the others is left out."""

import errno
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.audio.formats import EXTENSIONS
from app.paths import NOT_A_FILE

OTHER_EXTENSION = "no audio format has its extension"
APPLE_DOUBLE = "it holds notes of macOS about another file (its name begins with `._`)"
CYCLE = "the link leads back to a folder that contains it"

NOWHERE = {errno.ENOENT, errno.ELOOP}
"""A link leads to no file: where it is called like a song, opening it says what is wrong."""


@dataclass(frozen=True)
class AudioFiles:
    """The files in a folder and in the folders in it.

    Attributes:
        files: Those with the extension of an audio format; sorted, a folder's own before those of
            the folders in it.
        skipped: Files that are left out and links that are not followed, with the reason.
        unread: Folders that can't be read, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    skipped: dict[Path, str] = field(default_factory=dict)
    unread: dict[Path, str] = field(default_factory=dict)


def find_audio(root: Path) -> AudioFiles:
    """List the audio files of a folder; links are followed, unless they lead back."""
    found = AudioFiles()
    pending: list[tuple[Path, frozenset[tuple[int, int]]]] = [(root, frozenset())]
    while pending:
        folder, parents = pending.pop()
        try:
            status, paths = folder.stat(), sorted(folder.iterdir())
        except OSError as error:
            found.unread[folder] = error.strerror or str(error)
            continue
        identity = status.st_dev, status.st_ino
        if identity in parents:
            found.skipped[folder] = CYCLE
            continue
        folders = _sort_out(paths, found)
        pending += [(path, parents | {identity}) for path in reversed(folders)]
    return found


def by_reason(skipped: Mapping[Path, str]) -> Iterator[tuple[Path, str, int]]:
    """Count what was left out; yields the first path, the reason and the count of each reason."""
    paths = defaultdict(list)
    for path, why in skipped.items():
        paths[why].append(path)
    for why, some in paths.items():
        yield some[0], why, len(some)


def _sort_out(paths: Iterable[Path], found: AudioFiles) -> list[Path]:
    """Add files to what was found, and return the folders."""
    folders = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if error.errno not in NOWHERE:
                found.unread[path] = error.strerror or str(error)
                continue
            mode = 0
        if stat.S_ISDIR(mode):
            folders.append(path)
        elif why := _reason_to_skip(path, mode):
            found.skipped[path] = why
        else:
            found.files.append(path)
    return folders


def _reason_to_skip(path: Path, mode: int) -> str | None:
    if path.name.startswith("._"):
        return APPLE_DOUBLE
    if path.suffix.lower() not in EXTENSIONS:
        return OTHER_EXTENSION
    if mode and not stat.S_ISREG(mode):
        return NOT_A_FILE
    return None
