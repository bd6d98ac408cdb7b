"""Tracks of one's own: folders named as tags, or a CSV file.

A folder holds `tag/song.mp3` or `tag/artist/song.mp3`; what lies deeper belongs to the artist too.
A CSV file has the columns `path` and `tags`, and may have `artist`, `licence` and `duration_s`;
paths are relative to its folder, and there is a `;` between tags. Whose the licence is, and what is
to be cited, its owner knows.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NoReturn

from app.audio.formats import EXTENSIONS
from app.errors import SetupError
from app.training.datasets import fma, mtat, mtg_jamendo
from app.training.datasets.source import (
    About,
    Dataset,
    Row,
    Sheet,
    Skipped,
    artist_name,
    number,
    read_tracks,
)
from app.training.tracks import Track, track_id

TAKEN = (fma.NAME, mtat.NAME, mtg_jamendo.NAME)

COLUMNS = ("path", "tags", "artist", "licence", "duration_s")


def load(source: Path) -> Dataset:
    """Read a folder or a CSV file; the dataset is named after it.

    Raises:
        SetupError: There is none, it is wrong or without tracks, or it is named as a known dataset.
    """
    path = source.absolute()
    name = path.name if path.is_dir() else path.stem
    if name in TAKEN:
        raise SetupError(f"{source}: {name} is the name of another dataset; give it another name")
    dataset = _from_folder(path, name) if path.is_dir() else _from_csv(path, name)
    if not dataset.tracks:
        raise SetupError(f"{source}: no track is in it; there should be tag/song.mp3, or rows")
    return dataset


def _from_folder(root: Path, name: str) -> Dataset:
    tracks, skipped = [], []
    for path in _audio(root):
        try:
            tracks.append(_placed(name, path.relative_to(root)))
        except ValueError as error:
            skipped.append(Skipped(path, 0, str(error)))
    return Dataset(name, About(name), tuple(tracks), {}, tuple(skipped))


def _audio(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, onerror=_refuse):
        folders.sort()
        yield from (
            Path(folder, file) for file in sorted(files) if Path(file).suffix.lower() in EXTENSIONS
        )


def _refuse(error: OSError) -> NoReturn:
    """Else a folder that can't be read would pass for an empty one."""
    raise SetupError(f"{error.filename}: it can't be read: {error.strerror}") from error


def _placed(name: str, path: Path) -> Track:
    tag, *between = path.parts[:-1] or ("",)
    if not tag:
        raise ValueError("it lies in no folder that is named as a tag")
    _check_unicode(str(path))
    artist = artist_name(between[0]) if between else ""
    return Track(track_id(name, path.as_posix()), name, path.as_posix(), artist, (tag,))


def _from_csv(path: Path, name: str) -> Dataset:
    sheet = Sheet(path, COLUMNS[:2])
    tracks = tuple(read_tracks(sheet, partial(_listed, name)))
    if unknown := sorted(sheet.missing.keys() - set(COLUMNS)):
        raise SetupError(
            f"{path}: the column {unknown[0]!r} is unknown; name it as one of "
            f"{', '.join(COLUMNS)}, or take it out"
        )
    return Dataset(name, About(name), tracks, {}, tuple(sheet.skipped), sheet.missing)


def _listed(name: str, row: Row) -> Track:
    path = PurePosixPath(row["path"].strip())
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise ValueError(
            f"path: {row['path'][:80]!r} leads to no file beneath the CSV file's folder"
        )
    tags = (tag.strip() for tag in row["tags"].split(";"))
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
        raise ValueError("its name is no Unicode; rename it") from None
