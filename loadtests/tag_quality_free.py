"""Free songs of Debian packages with the genre that the packages' descriptions give them."""

from pathlib import Path

from loadtests.report import out
from testing.packages.audio import CannotFetchError, fetch

GENRES = {
    "fretsonfire-songs-sectoid": "metal",
    "singularity-music": "electronic",
    "wesnoth-1.16-music": "orchestral",
}
ENDINGS = (".ogg", ".mp3", ".flac", ".wav", ".opus")
PARTS = ("guitar.ogg", "rhythm.ogg")
"""One instrument alone, not a song."""


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
        songs += [(genre, path) for path in found if path.name not in PARTS]
    return songs
