"""Debian's nginx, to test `docker/nginx/nginx.conf` with, unpacked and not installed.

`python -m testing.packages.nginx` unpacks it below `.cache/nginx`. On another system it prints a
message and leaves the folder unchanged.
"""

from functools import partial
from pathlib import Path

from testing.packages.audio import fetch_once
from testing.packages.programs import fetch_program

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "nginx"
NGINX = CACHE / "usr" / "sbin" / "nginx"


def main() -> None:
    """Fetch it, or say why not."""
    fetch_once(partial(fetch_program, "nginx", CACHE, NGINX, "-v"))


if __name__ == "__main__":
    main()
