"""Load MagnaTagATune: clips of 29 seconds, tagged by the players of a game.

Source: http://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset.
Licence: Creative Commons Attribution-NonCommercial-ShareAlike, granted by Magnatune.
Citation: Law et al., Evaluation of Algorithms Using Games: The Case of Music Tagging, ISMIR 2009.

Both files are separated by tabs, despite their names, and quoted. `clip_info_final.csv` also has
clips that were not annotated; they have no `mp3_path`. No checksums of the files are published.
"""

import csv
from functools import partial
from pathlib import Path

from app.datasets.loaders.dataset import About, Dataset, artist_name, within
from app.datasets.loaders.sheet import Row, Sheet, number, read_tracks
from app.datasets.tracks import Track, track_id
from app.errors import SetupError

NAME = "mtat"

ABOUT = About(
    title="MagnaTagATune",
    url="http://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset",
    licence="Creative Commons Attribution-NonCommercial-ShareAlike",
    citation="Law et al., ISMIR 2009",
    files=("annotations_final.csv", "clip_info_final.csv"),
)

SAMPLE_RATE = 16_000
"""In Hz, of all its files, according to its web page; the tables don't have it."""

CLIP, PATH = "clip_id", "mp3_path"
INFO_COLUMNS = (CLIP, "artist", "segmentStart", "segmentEnd")

NO_TAGS = (CLIP, PATH)
TAG_VALUES = ("0", "1")


def load(folder: Path) -> Dataset:
    """Read the metadata; clips without tags are among the tracks.

    Raises:
        SetupError: A file is missing or invalid.
    """
    place = within(folder, "mtat", "annotations_final.csv")
    infos = Sheet(place / "clip_info_final.csv", INFO_COLUMNS, csv.excel_tab)
    annotations = Sheet(place / "annotations_final.csv", (CLIP, PATH), csv.excel_tab)
    tracks = read_tracks(annotations, partial(_track, _by_clip(infos)))
    skipped = (*infos.skipped, *annotations.skipped)
    return Dataset(NAME, ABOUT, tuple(tracks), {}, skipped, infos.missing)


def _by_clip(infos: Sheet) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for line, row in infos:
        if row[CLIP] in rows:
            raise SetupError(f"{infos.path}: line {line}: clip_id {row[CLIP]} is a duplicate")
        rows[row[CLIP]] = {column: row[column] for column in INFO_COLUMNS}
    return rows


def _track(infos: dict[str, Row], row: Row) -> Track:
    path, info = row[PATH], infos.get(row[CLIP])
    if not path:
        raise ValueError(f"{PATH}: the cell is empty")
    if info is None:
        raise ValueError(f"{CLIP}: {row[CLIP][:40]!r} is not in clip_info_final.csv")
    start, end = (number(info[column], column) for column in ("segmentStart", "segmentEnd"))
    return Track(
        id=track_id(NAME, path),
        dataset=NAME,
        path=path,
        artist=artist_name(info["artist"]),
        tags=_tags(row),
        licence=ABOUT.licence,
        duration_s=None if start is None or end is None else end - start,
        sample_rate=SAMPLE_RATE,
    )


def _tags(row: Row) -> tuple[str, ...]:
    wrong = [tag for tag, cell in row.items() if cell not in TAG_VALUES and tag not in NO_TAGS]
    if wrong:
        raise ValueError(f"{wrong[0]}: {row[wrong[0]][:40]!r} is neither 0 nor 1")
    return tuple(tag for tag, cell in row.items() if cell == "1" and tag not in NO_TAGS)
