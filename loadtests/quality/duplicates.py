"""How far apart the embeddings of two encodings of a song are, and those of different songs.

    python -m loadtests.quality.duplicates [MODEL]

The first minute of each free song is encoded as FLAC; of every `EVERY`th song, also in the ways of
`VARIANTS`. `taggram catalogue tag --embeddings` infers all of them, in `.cache/duplicates`.
"""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from app.catalogue.duplicates import find_duplicates, find_pairs
from app.catalogue.scored import find_model, matrix, scored_rows
from app.catalogue.storage import open_storage
from app.cli.catalogue.duplicates import DISTANCE
from app.domain import Samples
from loadtests.quality.genre_songs import free_songs
from loadtests.report import out
from testing.media import media
from testing.packages.audio import CACHE
from testing.server import COMMAND
from testing.sounds import encoded

FOLDER = CACHE.parent / "duplicates"
SECONDS = 60
EVERY = 6
DISTANCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)

Encode = Callable[[Samples, int], bytes]
"""Returns a file of (samples, channels) at a rate in Hz."""

FLAC = ("flac", "flac")
MP3 = ("libmp3lame", "mp3")


def encode(
    samples: Samples,
    rate: int,
    codec: tuple[str, str] = FLAC,
    *,
    kilobits: int = 0,
    to_rate: int = 0,
    gain_db: float = 0.0,
    cut_s: float = 0.0,
) -> bytes:
    """Return a file of a song that was changed in some way."""
    changed = samples[round(cut_s * rate) :] * np.float32(10 ** (gain_db / 20))
    if to_rate:
        changed = soxr.resample(changed, rate, to_rate)
    channels, bit_rate = changed.shape[1], 1000 * kilobits or None
    return media(
        changed, *codec, rate=to_rate or rate, channels=channels, bit_rate=bit_rate
    )  # fmt: skip


VARIANTS: dict[str, Encode] = {
    "MP3, 320k": partial(encode, codec=MP3, kilobits=320),
    "MP3, 128k": partial(encode, codec=MP3, kilobits=128),
    "MP3, 64k": partial(encode, codec=MP3, kilobits=64),
    "Ogg Vorbis": lambda samples, rate: encoded(np.clip(samples, -1, 1), rate, "OGG", "VORBIS"),
    "Opus, 96k": partial(encode, codec=("libopus", "ogg"), kilobits=96, to_rate=48_000),
    "AAC, 128k": partial(encode, codec=("aac", "ipod"), kilobits=128),
    "FLAC, 48 kHz": partial(encode, to_rate=48_000),
    "FLAC, 22.05 kHz": partial(encode, to_rate=22_050),
    "6 dB softer": partial(encode, gain_db=-6.0),
    "12 dB softer": partial(encode, gain_db=-12.0),
    "first second cut": partial(encode, cut_s=1.0),
    "first 5 s cut": partial(encode, cut_s=5.0),
    "first 15 s cut": partial(encode, cut_s=15.0),
}
BASE = "FLAC"


def main() -> None:
    """Encode, tag, and print the distances."""
    model = sys.argv[1] if sys.argv[1:] else "msd-musicnn"
    songs = [path for _, path in free_songs()]
    for number, path in enumerate(songs):
        _write(number, path)
    _tag(model)
    _report(model)


def _write(number: int, path: Path) -> None:
    """Encode a song, unless an earlier run has."""
    ways = {BASE: encode, **(VARIANTS if number % EVERY == 0 else {})}
    for name, way in ways.items():
        target = FOLDER / "songs" / f"{number:03}" / name
        if target.exists():
            continue
        rate = soundfile.info(path).samplerate
        samples, _ = soundfile.read(path, SECONDS * rate, dtype="float32", always_2d=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(way(samples, rate))


def _tag(model: str) -> None:
    table = FOLDER / "songs.csv"
    files = sorted(path for path in (FOLDER / "songs").rglob("*") if path.is_file())
    lines = (f'"{path.parent.name}/{path.name}","{path}"\n' for path in files)
    table.write_text("external_id,uri\n" + "".join(lines))
    given = ("--out", FOLDER / model, "--models", model, "--embeddings", "--vocabularies", "raw")
    subprocess.run([str(COMMAND), "catalogue", "tag", str(table), *map(str, given)], check=True)


def _report(model: str) -> None:
    catalogue = open_storage(FOLDER / model)
    ref = find_model(catalogue, model)
    tables = [table for _, table in scored_rows(catalogue, ref, ("embedding",))]
    ids = [id_.split("/") for table in tables for id_ in table["external_id"].to_pylist()]
    embeddings = np.concatenate([matrix(table, "embedding") for table in tables])
    left, right, distances = find_pairs(embeddings, 2.0)
    pairs = {
        (*sorted((tuple(ids[first]), tuple(ids[second]))),): float(distance)
        for first, second, distance in zip(left, right, distances, strict=True)
    }
    out.print(f"{ref}, embeddings of {embeddings.shape[1]}; cosine distance: least | median | most")
    same: list[float] = []
    for name in VARIANTS:
        found = [
            distance
            for (first, second), distance in pairs.items()
            if first[0] == second[0] and {first[1], second[1]} == {BASE, name}
        ]
        same += found
        _print(name, found)
    _print("all of these", same)
    different = {pair: distance for pair, distance in pairs.items() if pair[0][0] != pair[1][0]}
    originals = {
        pair: distance for pair, distance in different.items() if pair[0][1] == pair[1][1] == BASE
    }
    _print("different songs", list(originals.values()))
    _print("different songs, any encodings", list(different.values()))
    out.print("\ndistance | encodings found | pairs of different songs found | in any encodings")
    for limit in DISTANCES:
        found_share = np.mean(np.array(same) <= limit)
        false = [
            f"{sum(distance <= limit for distance in each.values())} of {len(each)}"
            for each in (originals, different)
        ]
        out.print(" | ".join([str(limit), f"{found_share:.0%}", *false]))
    names = [path for _, path in free_songs()]
    out.print("\nthe nearest different songs")
    for (first, second), distance in sorted(originals.items(), key=lambda each: each[1])[:8]:
        titles = " | ".join(_title(names[int(song)]) for song, _ in (first, second))
        out.print(f"{distance:.4f} | {titles}", markup=False)
    groups = find_duplicates(catalogue, ref, DISTANCE)
    out.print(f"\n{len(groups)} groups at {DISTANCE}")


def _title(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _print(name: str, distances: list[float]) -> None:
    least, median, most = np.quantile(distances, (0, 0.5, 1))
    out.print(f"{name} | {least:.4f} | {median:.4f} | {most:.4f}", markup=False)


if __name__ == "__main__":
    main()
