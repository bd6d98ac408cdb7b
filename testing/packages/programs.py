"""Programs of Debian for the tests, unpacked and not installed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from testing.packages.audio import CannotFetchError, download


def fetch_program(package: str, folder: Path, program: Path, version: str) -> Path:
    """Fetch a program if it is missing; return its path.

    `apt-get download` checks Debian's signature.

    Args:
        package: The name of the package.
        folder: Where it is unpacked.
        program: The program, in that folder.
        version: The option with which it prints its version.

    Raises:
        CannotFetchError: No apt, no network, or libraries that it needs are missing.
    """
    if not program.is_file():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise CannotFetchError(f"{package}: apt-get and dpkg-deb are needed, as Debian has")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            deb = download(package, Path(temporary))
            unpacked = Path(temporary) / "unpacked"
            subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
            unpacked.rename(folder)
    if subprocess.run([program, version], capture_output=True, check=False).returncode != 0:
        raise CannotFetchError(f"{package}: {program} does not run here; a library is missing")
    return program
