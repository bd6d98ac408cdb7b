"""How well the published weights tag free songs: `python -m loadtests.quality.free_songs`.

The songs are in Debian packages, and their tags are those that the description of the package gives
for all its songs: metal (fretsonfire-songs-sectoid), ambient and electronic (singularity-music),
classical for orchestral music (wesnoth-1.16-music). These are three groups of composers and few
songs: a sanity check, not a benchmark. The figures are computed as by `taggram evaluate`.
"""

import subprocess
from pathlib import Path

from loadtests.report import out
from testing.packages.audio import CACHE, PACKAGES, fetch
from testing.server import COMMAND

TAGS = {
    "fretsonfire-songs-sectoid": ("metal",),
    "singularity-music": ("ambient", "electronic"),
    "wesnoth-1.16-music": ("classical",),
}
FOLDER = CACHE.parent / "free-songs"
MODELS = ("msd-musicnn", "mtt-musicnn")


def main() -> None:
    """Fetch, describe, store, evaluate."""
    table = FOLDER / "songs.csv"
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.write_text("path,tags,artist,licence\n" + "".join(map(_rows, TAGS)))
    merged, split = FOLDER / "merged.parquet", FOLDER / "split.parquet"
    _taggram("data", "merge", merged, "--task", "genres", "--folder", table)
    _all_for_the_test(merged, split)
    source = f"--from={_dataset(split)}={FOLDER}"
    _taggram("data", "fetch", split, source, "--to", FOLDER / "audio", "--yes")
    store = FOLDER / "store"
    _taggram("data", "store", split, "--audio", FOLDER / "audio", "--to", store)
    given = ("--split", split, "--audio-store", store, "--out", FOLDER / "evaluated")
    _taggram("evaluate", *MODELS, *given, "--report")


def _rows(package: str) -> str:
    """The songs of a package as rows, each linked below the folder."""
    linked = FOLDER / package
    if not linked.exists():
        linked.symlink_to(fetch(package))
    what = PACKAGES[package].what.replace(",", ";")
    songs = sorted(path for path in linked.rglob("*.ogg") if path.name != "guitar.ogg")
    tags = ";".join(TAGS[package])
    return "".join(f"{path.relative_to(FOLDER)},{tags},{package},{what}\n" for path in songs)


def _all_for_the_test(merged: Path, split: Path) -> None:
    from app.datasets.tables import read_merged, write_split
    from app.datasets.tracks import Split, SplitTrack, Subset

    songs = read_merged(merged)
    placed = tuple(SplitTrack(track, Subset.TEST) for track in songs.tracks)
    write_split(split, Split(songs.task, songs.tags, "free songs of Debian", placed))


def _dataset(split: Path) -> str:
    from app.datasets.tables import read_split

    return read_split(split).placed[0].track.dataset


def _taggram(*arguments: object) -> None:
    subprocess.run([COMMAND, *map(str, arguments)], check=True)


if __name__ == "__main__":
    out.print("songs of Debian packages")
    main()
