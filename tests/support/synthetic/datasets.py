"""Three small datasets in the layouts of the real ones, with audible tags.

    root/fma/fma_metadata/{tracks,genres}.csv               root/fma/fma_large/000/000002.mp3
    root/mtat/{annotations,clip_info}_final.csv             root/mtat/mp3/f/artist-album-01-...mp3
    root/mtg-jamendo/data/{autotagging*.tsv,splits/...}     root/mtg-jamendo/audio/01/1.mp3

The metadata have the faults of real ones: see `Fault`. One song of each dataset is
not an MP3. FMA and MTAT share an artist, whose name they write differently.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, cycle, repeat
from pathlib import Path

import numpy as np
import soundfile

from testing.synthetic_music import make_track
from tests.support.synthetic import tables

CYCLES = {
    # trance is not a genre of FMA, and chiptune is one of FMA only
    "fma": (
        "chiptune",
        "reggaedub",
        "minimal",
        "chiptune",
        "dubstep",
        "ambient",
        "techno",
        "metal",
    ),
    "mtat": ("ambient", "techno", "metal", "trance", "dubstep"),
    "mtg-jamendo": ("ambient", "techno", "metal", "trance", "dubstep", "reggaedub", "minimal"),
}
"""Songs have these styles in turn, so that each part of a split has some of each."""

BROKEN = {
    "fma": b"\xff\xfb\x90\x00 torn off",
    "mtat": b"",
    "mtg-jamendo": b"<html>Not found</html>",
}
"""Contents of broken songs: a few bytes, nothing, a page."""

THREADS = 2


class Fault(StrEnum):
    """Why the rules of cleaning drop a row."""

    NO_TAGS = "no tags"
    MANY_TAGS = "more than 15 tags"
    SHORT = "shorter than a minute"
    LONG = "longer than ten minutes"


FAULTS = {
    "fma": (Fault.NO_TAGS, Fault.SHORT, Fault.LONG),
    "mtat": (Fault.NO_TAGS, Fault.MANY_TAGS),
    "mtg-jamendo": (Fault.SHORT, Fault.LONG),
}
"""Further rows of each dataset, with songs as all have."""


@dataclass(frozen=True)
class Song:
    """A row of the metadata and its file.

    Attributes:
        number: From 2 on in steps, as FMA's.
        artist: A number; 0 is the one in both FMA and MTAT.
        styles: One or two of `STYLES`.
        seconds: Of the file.
        seed: Of the song.
        fault: The reason why it will be dropped, if any.
    """

    number: int
    artist: int
    styles: tuple[str, ...]
    seconds: float
    seed: int
    fault: Fault | None = None


@dataclass(frozen=True)
class MadeDatasets:
    """All paths, by the name of the dataset.

    Attributes:
        metadata: Folders that the loaders read.
        audio: Folders to which a track's path is relative.
        styles: By dataset and path, the styles; without dropped rows.
        fault: By dataset and path, the rows that cleaning drops.
        broken: The path of the file that is not an MP3; its row is valid.
    """

    metadata: Mapping[str, Path]
    audio: Mapping[str, Path]
    styles: Mapping[str, Mapping[str, tuple[str, ...]]] = field(repr=False)
    fault: Mapping[str, Mapping[str, Fault]]
    broken: Mapping[str, str]


def make_datasets(
    root: Path, seed: int = 0, tracks: int = 300, seconds: tuple[float, float] = (20, 32)
) -> MadeDatasets:
    """Write three datasets, a third of the tracks each.

    Args:
        root: Where to; it may hold other things.
        seed: The same gives the same bytes.
        tracks: With at least one tag, of all datasets together.
        seconds: The shortest and the longest song.
    """
    songs = {name: _songs(name, seed, tracks // 3, seconds) for name in CYCLES}
    made = _described(root, songs)
    for name, those in songs.items():
        tables.WRITERS[name](made.metadata[name], those)
    files = [
        (made.audio[name] / tables.PATHS[name](song), song)
        for name, those in songs.items()
        for song in those
    ]
    _write_all(files)
    for name, path in made.broken.items():
        (made.audio[name] / path).write_bytes(BROKEN[name])
    return made


def write_song(path: Path, song: Song) -> None:
    """Make a song and write it as MP3."""
    samples, rate = make_track(song.styles, song.seed, song.seconds)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, format="MP3")


def _write_all(files: Sequence[tuple[Path, Song]]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write_song, *zip(*files, strict=True)))


def _songs(dataset: str, seed: int, count: int, seconds: tuple[float, float]) -> list[Song]:
    rng = np.random.default_rng((seed, list(CYCLES).index(dataset)))
    styles = cycle(CYCLES[dataset])
    oddities = chain(repeat(None, count), FAULTS[dataset])
    artists = _artists(rng)
    return [
        Song(
            number=2 + 3 * index,
            artist=next(artists),
            styles=_layers(rng, next(styles), CYCLES[dataset]),
            seconds=round(rng.uniform(*seconds), 1),
            seed=int(rng.integers(2**32)),
            fault=fault,
        )
        for index, fault in enumerate(oddities)
    ]


def _artists(rng: np.random.Generator) -> Iterable[int]:
    """An artist a song: each makes 3 to 6 in a row."""
    artist = 0
    while True:
        yield from repeat(artist, int(rng.integers(3, 7)))
        artist += 1


def _layers(rng: np.random.Generator, style: str, styles: tuple[str, ...]) -> tuple[str, ...]:
    """The style alone, or one time in four with another."""
    other = str(rng.choice(sorted(set(styles) - {style})))
    return (style, other) if rng.random() < 0.25 else (style,)


def _described(root: Path, songs: Mapping[str, Sequence[Song]]) -> MadeDatasets:
    paths = {name: [tables.PATHS[name](song) for song in those] for name, those in songs.items()}
    pairs = {name: list(zip(paths[name], songs[name], strict=True)) for name in songs}
    return MadeDatasets(
        metadata={name: root / folder for name, folder in tables.METADATA.items()},
        audio={name: root / folder for name, folder in tables.AUDIO.items()},
        styles={n: {p: s.styles for p, s in those if not s.fault} for n, those in pairs.items()},
        fault={n: {p: s.fault for p, s in those if s.fault} for n, those in pairs.items()},
        broken={n: those[len(those) // 3][0] for n, those in pairs.items()},
    )
