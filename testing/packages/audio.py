"""Free music and recorded speech to test and measure with, from Debian's packages.

`python -m testing.packages.audio [NAME ...]` downloads packages with `apt-get download` (no root
needed), holds them against their pinned SHA-256 and unpacks them below `.cache/audio`. Nothing of
it is committed. On another system it says so and leaves the folder as it was.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "audio"


@dataclass(frozen=True)
class Package:
    """A Debian package that holds audio.

    Attributes:
        name: As apt knows it.
        sha256: Of the .deb file.
        folder: Where the audio lies in it.
        what: What it sounds like, and its licence.
    """

    name: str
    sha256: str
    folder: str
    what: str


PACKAGES = {
    package.name: package
    for package in (
        Package(
            "fretsonfire-songs-sectoid",
            "14c1ed3e43c1a6a80eae7698f0469a0825cd1184e441968d62df89ca418aa0b4",
            "usr/share/games/fretsonfire/data/songs/sectoid",
            "metal with synthesisers by Carlos Viola Iborra; MIT",
        ),
        Package(
            "singularity-music",
            "139ba1e408eeb0a72f1fff3760ca46558b9f81bed97dc8c0efa108c4007f4845",
            "usr/share/games/singularity/music",
            "ambient and electronic game music by Max McCracken; Creative Commons",
        ),
        Package(
            "hyperrogue-music",
            "61ab9f4c2169442d85f42c42d26e80c1a18b93c741f3d44f1b9d83015904e7f7",
            "usr/share/hyperrogue/music",
            "game music of many moods; see its copyright file",
        ),
        Package(
            "wesnoth-1.16-music",
            "f9bc3cde92b4ab30db5d7b85f89b4bcc3d788dd92602956d0347250850bf59bb",
            "usr/share/games/wesnoth/1.16/data/core/music",
            "orchestral game music by several composers; GPL",
        ),
        Package(
            "asterisk-core-sounds-en-wav",
            "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
            "usr/share/asterisk/sounds/en_US_f_Allison",
            "telephone announcements read by Allison Smith; CC BY-SA 3.0",
        ),
    )
}

FOR_TESTS = ("fretsonfire-songs-sectoid", "singularity-music")


class CannotFetchError(Exception):
    """This machine can't bring a package; the message says why."""


def audio_folder(name: str) -> Path:
    """Where a package's audio lies once it is fetched."""
    return CACHE / name / PACKAGES[name].folder


def fetch(name: str) -> Path:
    """Bring a package where it is not there yet; its audio folder.

    Raises:
        CannotFetchError: No apt, no network, or another file than the pinned one.
    """
    if audio_folder(name).is_dir():
        return audio_folder(name)
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise CannotFetchError(
            f"{name}: apt-get and dpkg-deb are needed, which Debian and Ubuntu have"
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        package = download(name, Path(folder))
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        if digest != PACKAGES[name].sha256:
            raise CannotFetchError(f"{name}: apt brought another version (SHA-256 {digest})")
        unpacked = Path(folder) / "unpacked"
        subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
        unpacked.rename(CACHE / name)
    return audio_folder(name)


def download(name: str, folder: Path) -> Path:
    """Have apt bring the package of that name into a folder; its .deb file.

    Raises:
        CannotFetchError: It could not.
    """
    command = ["apt-get", "--quiet", "download", name]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0 and os.geteuid() == 0:  # a fresh machine knows no package yet
        subprocess.run(["apt-get", "--quiet", "update"], capture_output=True, check=False)
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    packages = list(folder.glob("*.deb"))
    if not packages:
        raise CannotFetchError(f"{name}: apt-get could not download it: {result.stderr.strip()}")
    return packages[0]


def bring(fetch: Callable[[], Path]) -> None:
    """Fetch something, or say why not: then what needs it is skipped."""
    try:
        print(fetch())
    except CannotFetchError as error:
        print(f"{error}; what needs it is skipped by name", file=sys.stderr)


def main() -> None:
    """Fetch the named packages, or those that the tests use."""
    for name in sys.argv[1:] or FOR_TESTS:
        bring(partial(fetch, name))


if __name__ == "__main__":
    main()
