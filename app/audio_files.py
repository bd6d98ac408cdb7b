"""Finds the audio files of a folder by their names, with the reason why other files are skipped."""

import errno
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from app.audio.formats import EXTENSIONS
from app.paths import NOT_A_FILE

OTHER_EXTENSION = "its extension is not that of an audio format"
APPLE_DOUBLE = "it holds metadata of macOS about another file (its name begins with `._`)"
CYCLE = "the link leads back to a folder that contains it"

Place = TypeVar("Place")

BROKEN_LINK = {errno.ENOENT, errno.ELOOP}
"""Errors of a link without a target. If its name is that of an audio file, it is listed, so that
opening it reports the error."""


@dataclass(frozen=True)
class AudioFiles:
    """The files in a folder and its subfolders.

    Attributes:
        files: Files with the extension of an audio format, sorted; those of a folder come before
            those of its subfolders.
        skipped: Files that are left out and links that are not followed, with the reason.
        unread: Folders that can't be read, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    skipped: dict[Path, str] = field(default_factory=dict)
    unread: dict[Path, str] = field(default_factory=dict)


def find_audio(root: Path) -> AudioFiles:
    """List the audio files of a folder and its subfolders; links are followed, except cycles."""
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


def by_reason(skipped: Mapping[Place, str]) -> Iterator[tuple[Place, str, int]]:
    """Yield the first path or URL, the reason and the number of skipped files of each reason."""
    paths = defaultdict(list)
    for path, why in skipped.items():
        paths[why].append(path)
    for why, some in paths.items():
        yield some[0], why, len(some)


def _sort_out(paths: Iterable[Path], found: AudioFiles) -> list[Path]:
    """Add the files among the paths to the result, and return the folders."""
    folders = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if error.errno not in BROKEN_LINK:
                found.unread[path] = error.strerror or str(error)
                continue
            mode = 0
        if stat.S_ISDIR(mode):
            folders.append(path)
        elif why := reason_to_skip(path, mode):
            found.skipped[path] = why
        else:
            found.files.append(path)
    return folders


def reason_to_skip(path: Path, mode: int = 0) -> str | None:
    """Return why a file is left out, or None if it is one of audio.

    Args:
        path: The file.
        mode: Its type and permissions; 0 if they are not known.
    """
    if path.name.startswith("._"):
        return APPLE_DOUBLE
    if path.suffix.lower() not in EXTENSIONS:
        return OTHER_EXTENSION
    if mode and not stat.S_ISREG(mode):
        return NOT_A_FILE
    return None
