"""MagnaTagATune: clips of 29 seconds, and what players of a game said of them.

Source: http://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset.
Licence: Creative Commons Attribution-NonCommercial-ShareAlike, as Magnatune grants it.
Citation: Law et al., Evaluation of Algorithms Using Games: The Case of Music Tagging, ISMIR 2009.

Both files are separated by tabs, whatever their names say, and quoted. `clip_info_final.csv` has
more clips than were annotated, which have no `mp3_path`. No checksums of the files are published.
"""

import csv
from functools import partial
from pathlib import Path

from app.datasets.loaders.dataset import (
    About,
    Dataset,
    Row,
    Sheet,
    artist_name,
    number,
    read_tracks,
    within,
)
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
"""Of all its files, says its page; the tables don't."""

CLIP, PATH = "clip_id", "mp3_path"
INFO_COLUMNS = (CLIP, "artist", "segmentStart", "segmentEnd")

NO_TAGS = (CLIP, PATH)
HEARD = ("0", "1")


def load(folder: Path) -> Dataset:
    """Read the metadata; clips that nobody tagged are among the tracks.

    Raises:
        SetupError: A file is missing or wrong.
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
            raise SetupError(f"{infos.path}: line {line}: clip_id {row[CLIP]} is there twice")
        rows[row[CLIP]] = {column: row[column] for column in INFO_COLUMNS}
    return rows


def _track(infos: dict[str, Row], row: Row) -> Track:
    path, info = row[PATH], infos.get(row[CLIP])
    if not path:
        raise ValueError(f"{PATH}: it is empty")
    if info is None:
        raise ValueError(f"clip_info_final.csv has no {CLIP} {row[CLIP][:40]!r}")
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
    wrong = [tag for tag, cell in row.items() if cell not in HEARD and tag not in NO_TAGS]
    if wrong:
        raise ValueError(f"{wrong[0]}: {row[wrong[0]][:40]!r} is neither 0 nor 1")
    return tuple(tag for tag, cell in row.items() if cell == "1" and tag not in NO_TAGS)
