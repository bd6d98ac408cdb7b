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
HEADLESS = "chromium-headless-shell"
"""Chromium without the parts that draw windows: a page takes a third less CPU time."""

WINDOWED = ("chromium", "chromium-browser")
MISSING = (
    f"Chromium is not on this machine: install it (on Debian `apt-get install {HEADLESS}`, or "
    "`chromium` to see its windows)"
)


def find(*, headed: bool = False) -> Path | None:
    """Where Chromium is, if it is.

    Args:
        headed: Whether it is to open windows.
    """
    names = WINDOWED if headed else (HEADLESS, *WINDOWED)
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def fetch() -> Path:
    """Install the headless one if it is missing; return the path of an executable.

    Raises:
        CannotFetchError: There is no Chromium, and no apt, no permission to install, or no network.
    """
    reason = "apt-get and root's permission are needed"
    if not shutil.which(HEADLESS) and shutil.which("apt-get") and os.geteuid() == 0:
        reason = _install()
    found = find()
    if found is None:
        raise CannotFetchError(f"{MISSING}: {reason}")
    return found


def _install() -> str:
    """Install it with apt; return the errors."""
    for step in (["update"], ["install", "--no-install-recommends", HEADLESS]):
        ran = subprocess.run(
            [*APT_GET, *step],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
    return ran.stderr.strip()


def main() -> None:
    """Fetch it, or say why not."""
    fetch_once(fetch)


if __name__ == "__main__":
    main()
