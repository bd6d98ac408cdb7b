"""Load a user's own tracks: folders named after tags, or a CSV file.

A folder holds `tag/song.mp3` or `tag/artist/song.mp3`; deeper files belong to the artist too.
Links to songs and folders are followed. Names are compared in Unicode's NFC, as macOS writes NFD.
A CSV file has the columns `path` and `tags`, and may have `artist`, `licence` and `duration_s`;
paths are relative to its folder, and tags are separated by `;`.
"""

from functools import cache, partial
from pathlib import Path, PurePosixPath

from app.audio_files import by_reason, find_audio
from app.datasets.loaders import fma, mtat, mtg_jamendo
from app.datasets.loaders.dataset import About, Dataset, Skipped, artist_name, composed
from app.datasets.loaders.sheet import Row, Sheet, number, read_tracks
from app.datasets.tracks import Track, track_id
from app.errors import SetupError

RESERVED = (fma.NAME, mtat.NAME, mtg_jamendo.NAME)

COLUMNS = ("path", "tags", "artist", "licence", "duration_s")


def load(source: Path) -> Dataset:
    """Read a folder or a CSV file; the dataset is named after it.

    Raises:
        SetupError: It does not exist, is invalid or empty, or has the name of a known dataset.
    """
    path = source.absolute()
    name = path.name if path.is_dir() else path.stem
    if name in RESERVED:
        raise SetupError(f"{source}: {name} is the name of a known dataset; rename it")
    dataset = _from_folder(path, name) if path.is_dir() else _from_csv(path, name)
    if not dataset.tracks:
        left_out = "".join(f"; {each.file}: {each.why}" for each in dataset.skipped[:1])
        raise SetupError(f"{source}: it has no tracks; expected tag/song.mp3, or rows{left_out}")
    return dataset


def _from_folder(root: Path, name: str) -> Dataset:
    found = find_audio(root)
    for folder, why in found.unread.items():  # otherwise it would count as empty
        raise SetupError(f"{folder}: can't be read: {why}")
    tracks = []
    skipped = [
        Skipped(path, 0, why if count == 1 else f"{why}; the same for {count} files in all")
        for path, why, count in by_reason(found.skipped)
    ]
    for path in found.files:
        try:
            tracks.append(_placed(name, path.relative_to(root)))
        except ValueError as error:
            skipped.append(Skipped(path, 0, str(error)))
    return Dataset(name, About(name), tuple(tracks), {}, tuple(skipped))


def _placed(name: str, path: Path) -> Track:
    tag, *between = path.parts[:-1] or ("",)
    if not tag:
        raise ValueError("it is not in a folder that is named after a tag")
    _check_unicode(str(path))
    artist = artist_name(between[0]) if between else ""
    tags = (composed(tag),)
    return Track(track_id(name, path.as_posix()), name, path.as_posix(), artist, tags)


def _from_csv(path: Path, name: str) -> Dataset:
    sheet = Sheet(path, COLUMNS[:2])
    tracks = tuple(read_tracks(sheet, partial(_listed, name, _Names(path.parent))))
    if unknown := sorted(sheet.missing.keys() - set(COLUMNS)):
        raise SetupError(
            f"{path}: the column {unknown[0]!r} is unknown; rename it to one of "
            f"{', '.join(COLUMNS)}, or remove it"
        )
    return Dataset(name, About(name), tracks, {}, tuple(sheet.skipped), sheet.missing)


class _Names:
    """Find files of one folder by their names in NFC."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_composed = cache(self._list)

    def on_disk(self, path: PurePosixPath) -> PurePosixPath:
        """Return the path as it is on the disk, which may encode accents in another way."""
        if str(path).isascii() or (self._root / path).exists():
            return path
        found = PurePosixPath()
        for part in path.parts:
            found /= self._by_composed(self._root / found).get(composed(part), part)
        return found

    def _list(self, folder: Path) -> dict[str, str]:
        try:
            return {composed(each.name): each.name for each in folder.iterdir()}
        except OSError:
            return {}


def _listed(name: str, names: _Names, row: Row) -> Track:
    path = PurePosixPath(row["path"].strip())
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"path: {row['path'][:80]!r} is not a file inside the CSV file's folder")
    path = names.on_disk(path)
    tags = (composed(tag.strip()) for tag in row["tags"].split(";"))
    return Track(
        id=track_id(name, str(path)),
        dataset=name,
        path=str(path),
        artist=artist_name(row.get("artist", "")),
        tags=tuple(dict.fromkeys(filter(None, tags))),
        licence=row.get("licence", "").strip(),
        duration_s=number(row.get("duration_s", ""), "duration_s"),
    )


def _check_unicode(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError("its name is not valid Unicode; rename it") from None
