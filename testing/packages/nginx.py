"""Debian's nginx, to test `docker/nginx/nginx.conf` with, unpacked and not installed.

`python -m testing.packages.nginx` downloads it with `apt-get download`, which checks
Debian's signature, and unpacks it below `.cache/nginx`. On another system it prints a message and
leaves the folder unchanged.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from testing.packages.audio import CannotFetchError, download, fetch_once

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "nginx"
NGINX = CACHE / "usr" / "sbin" / "nginx"


def fetch() -> Path:
    """Fetch nginx if it is missing; return the path of its executable.

    Raises:
        CannotFetchError: No apt, no network, or libraries that it needs are missing.
    """
    if not NGINX.is_file():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise CannotFetchError("nginx: apt-get and dpkg-deb are needed, as Debian has")
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
            package = download("nginx", Path(folder))
            unpacked = Path(folder) / "unpacked"
            subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
            unpacked.rename(CACHE)
    if subprocess.run([NGINX, "-v"], capture_output=True, check=False).returncode != 0:
        raise CannotFetchError(f"nginx: {NGINX} does not run here; a library is missing")
    return NGINX


def main() -> None:
    """Fetch it, or say why not."""
    fetch_once(fetch)


if __name__ == "__main__":
    main()
