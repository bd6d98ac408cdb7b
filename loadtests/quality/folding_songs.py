"""Songs that negligible filters are chosen with, and songs of other composers to check them."""

from app.audio.limits import AudioLimits
from app.domain import Samples
from app.errors import RequestError
from loadtests.quality.confidence_sounds import PACKAGES
from loadtests.quality.synthetic_sounds import RATE
from loadtests.report import out
from testing.packages.audio import fetch
from testing.sounds import decoded

MEASURED = (
    "fretsonfire-songs-muldjord",
    "hyperrogue-music",
    "singularity-music",
    "torus-trooper-data",
    "zaz-data",
)
HELD_OUT = (
    "fretsonfire-songs-sectoid",
    "marsshooter-data",
    "noiz2sa-data",
    "wesnoth-1.16-music",
)
SONG_S = 45
"""The length of a song that is used, from its beginning."""


def decode_songs(packages: tuple[str, ...]) -> dict[str, Samples]:
    """The songs of packages, by package and path."""
    limits = AudioLimits(RATE, 1.0, 1200.0)
    songs = {}
    for package in packages:
        folder = fetch(package)
        for path in sorted(folder.glob(PACKAGES[package])):
            title = f"{package}/{path.relative_to(folder)}"
            try:
                songs[title] = decoded(path, limits)[: SONG_S * RATE]
            except RequestError as error:
                out.print(f"left out: {title}: {error}", markup=False)
    return songs
