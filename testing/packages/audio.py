"""Free music and recorded speech to test and measure with, from Debian's packages.

`python -m testing.packages.audio [NAME ...]` downloads packages with `apt-get download` (no root
needed), compares them with their pinned SHA-256 and unpacks them below `.cache/audio`. Nothing of
it is committed. On another system it prints a message and leaves the folder unchanged.
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
        name: Name of the package.
        sha256: Of the .deb file.
        folder: Folder of the audio in it.
        what: Kind of sound, and licence.
        archive: A ZIP file in the folder that holds the audio; none if the folder does.
    """

    name: str
    sha256: str
    folder: str
    what: str
    archive: str = ""


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
            "fretsonfire-songs-muldjord",
            "b37adf8b08b46d4182c283e760e4f40622d83674e05803960ea1e11a92600c7b",
            "usr/share/games/fretsonfire/data/songs/muldjord",
            "metal by Lars Muldjord; Creative Commons BY-SA 3.0",
        ),
        Package(
            "hedgewars-data",
            "722225903a72604403e6e0026e40e9a6953f47a74d94efc5f55504bc05bb4761",
            "usr/share/games/hedgewars/Data/Music",
            "game music of many styles, rock and folk among them; GPL-2",
        ),
        Package(
            "drascula-music",
            "340e0beb1bacf005cbabebc07ebdd88adf6aee363d437f8a7d73cb0c77a93e79",
            "usr/share/scummvm/drascula/audio",
            "film-like game music by Alcachofa Soft; see its copyright file",
        ),
        Package(
            "noiz2sa-data",
            "7e38af552d946eaaf06ab2789c921972bb2bd88f202d48113faf11a30a614223",
            "usr/share/games/noiz2sa/sounds",
            "breakbeats and drum and bass by Kenta Cho; BSD-2-clause",
        ),
        Package(
            "torus-trooper-data",
            "774d4134f57dd201ae89471b2d3fd1f0b7255dc0ceabcfe0d9e6c3e6b34499aa",
            "usr/share/games/torus-trooper/sounds/musics",
            "drum and bass by Kenta Cho; BSD-2-clause",
        ),
        Package(
            "marsshooter-data",
            "b8d040a9739434f2be96bbf9b38f0743d56d59b853647b2242f9357e38394951",
            "usr/share/games/marsshooter/audio/music",
            "gothic metal by Obsidian Shell; CC BY-SA 3.0",
        ),
        Package(
            "zaz-data",
            "71f4ad06474e7015e532441e16ed55fd516081a44226afb837fb9a32eea89ee7",
            "usr/share/games/zaz",
            "electronic game music by Leonard Ritter; CC BY-SA 3.0",
        ),
        Package(
            "lincity-ng-data",
            "8f5e85bd42879abdc7099b035d7a3d7468eceb6b93b52a12270c28f3f3c792f9",
            "usr/share/games/lincity-ng/music/default",
            "blues and electronic music; see its copyright file",
        ),
        Package(
            "openclonk-data",
            "1505314b47196c5052caf75e870ea2cf36bdb4e1d0c7e3f133da93815b7e642f",
            "usr/share/games/openclonk/Music.ocg",
            "game music, bolero and lounge among it; see its copyright file",
        ),
        Package(
            "supertux-data",
            "a6ad8865972f1dbb5e7b49f4e1b381dd16a68f3028a3502cfeaca2400285d27f",
            "usr/share/games/supertux2/music",
            "light game music and chiptunes; see its copyright file",
        ),
        Package(
            "unknown-horizons",
            "ff49ea196d0f57c80d4cd4509c030240cbe632881f8c5b2a1265dd3e3795f100",
            "usr/share/unknown-horizons/content/audio/music",
            "acoustic, folk and classical music; CC BY-SA 3.0",
        ),
        Package(
            "warmux-data",
            "cceec72afcc9d5b0515149eb505bf0d883bd47399e602b30a805cafa2d91eb70",
            "usr/share/games/warmux/music",
            "game music of many styles, reggae among them; see its copyright file",
        ),
        Package(
            "xmoto-data",
            "458966c8291579df7dd215a3ebf48cb89fc94e94fe871d124b542eb6233c0e66",
            "usr/share/games/xmoto/Textures/Musics",
            "guitars and electronic music; see its copyright file",
        ),
        Package(
            "enigma-data",
            "e4cb966d16047353cdbe188e50e4e91edc20d7b3473ea0320d24689078ceed27",
            "usr/share/games/enigma/music",
            "quiet game music, ragtime among it; see its copyright file",
        ),
        Package(
            "colobot-common-sounds",
            "819e799542eac69c95b072567b5584eb3e0b2bb900de13efa3684915747b1644",
            "usr/share/games/colobot/music",
            "electronic and orchestral game music; GPL-3",
        ),
        Package(
            "extremetuxracer-data",
            "8ce6c82e6fb89549d284f43f6c4b0a9d82e6c0e5da753bee0ef419276a21470c",
            "usr/share/games/etr/music",
            "light game music; see its copyright file",
        ),
        Package(
            "warzone2100-music",
            "d3b2c9f90ea5438d45d4aff18339a03ec808e1affa9dac91f7dad61cb15ee64e",
            "usr/share/games/warzone2100/music/albums/original_soundtrack",
            "dark ambient and dub; GPL-2",
        ),
        Package(
            "mrrescue",
            "62ca7e873bcb5077c6f95b814d3c8e6909c9e1f953ebb00d0bb82176e2bb0cd5",
            "usr/share/games/mrrescue",
            "chiptunes of an arcade game by Tangram Games; CC BY-SA 3.0",
            archive="mrrescue.love",
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
    """A package cannot be fetched on this machine; the message has the reason."""


def audio_folder(name: str) -> Path:
    """Where a package's audio lies once it is fetched."""
    return CACHE / name / PACKAGES[name].folder


def fetch(name: str) -> Path:
    """Fetch a package if it is missing; return its audio folder.

    Raises:
        CannotFetchError: No apt, no network, or a file with another hash.
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
        if PACKAGES[name].archive:
            audio = unpacked / PACKAGES[name].folder
            shutil.unpack_archive(audio / PACKAGES[name].archive, audio, "zip")
        unpacked.rename(CACHE / name)
    return audio_folder(name)


def download(name: str, folder: Path) -> Path:
    """Download the package of that name with apt into a folder; return its .deb file.

    Raises:
        CannotFetchError: apt failed.
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


def fetch_once(fetch: Callable[[], Path]) -> None:
    """Fetch something, or print why not: tests that need it are then skipped."""
    try:
        print(fetch())
    except CannotFetchError as error:
        print(f"{error}; what needs it is skipped by name", file=sys.stderr)


def main() -> None:
    """Fetch the named packages, or those that the tests use."""
    for name in sys.argv[1:] or FOR_TESTS:
        fetch_once(partial(fetch, name))


if __name__ == "__main__":
    main()
