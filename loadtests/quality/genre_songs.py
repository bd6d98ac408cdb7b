"""Free songs of Debian packages with the genre that the packages or the songs' own tags give."""

from pathlib import Path

from loadtests.report import out
from testing.packages.audio import CannotFetchError, fetch

GENRES = {
    "fretsonfire-songs-sectoid": "metal",
    "fretsonfire-songs-muldjord": "metal",
    "marsshooter-data": "metal",
    "singularity-music": "electronic",
    "noiz2sa-data": "electronic",
    "torus-trooper-data": "electronic",
    "zaz-data": "electronic",
    "mrrescue": "chiptune",
    "wesnoth-1.16-music": "orchestral",
}
ENDINGS = (".ogg", ".mp3", ".flac", ".wav", ".opus")
PARTS = ("guitar.ogg", "rhythm.ogg")
"""One instrument alone, not a song."""
SMALLEST_BYTES = 400_000
"""Of a song; less is a sound of the game."""


def free_songs() -> list[tuple[str, Path]]:
    """List the songs with their genres; packages that can't be had are named."""
    songs = []
    for package, genre in GENRES.items():
        try:
            folder = fetch(package)
        except CannotFetchError as error:
            out.print(f"left out: {error}", markup=False)
            continue
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
        songs += [
            (genre, path)
            for path in found
            if path.name not in PARTS and path.stat().st_size >= SMALLEST_BYTES
        ]
    return songs
