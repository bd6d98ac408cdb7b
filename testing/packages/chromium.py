"""Debian's Chromium, to test the page in a real browser.

`python -m testing.packages.chromium` installs it if it is missing, apt-get exists, and we are
root. Otherwise it prints what is missing and changes nothing. Playwright's own browser is never
downloaded.
"""

import os
import shutil
import subprocess
from pathlib import Path

from testing.packages.audio import CannotFetchError, fetch_once

APT_GET = ("apt-get", "--quiet", "--yes")
MISSING = "Chromium is not on this machine: install it (on Debian `apt-get install chromium`)"


def find() -> Path | None:
    """Where Chromium is, if it is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else None


def fetch() -> Path:
    """Install it if it is missing; return the path of its executable.

    Raises:
        CannotFetchError: No apt, no permission to install, or no network.
    """
    if (found := find()) is not None:
        return found
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise CannotFetchError(MISSING)
    for step in (["update"], ["install", "--no-install-recommends", "chromium"]):
        ran = subprocess.run(
            [*APT_GET, *step],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = find()
    if found is None:
        raise CannotFetchError(f"{MISSING}; apt-get could not: {ran.stderr.strip()}")
    return found


def main() -> None:
    """Fetch it, or say why not."""
    fetch_once(fetch)


if __name__ == "__main__":
    main()
