"""From the drop to the chips: the time that an artist waits, in a real browser over loopback.

`python -m loadtests.serving.page [ROUNDS]` chooses three minutes of MP3 in the demo page, as a
file that the service has not seen, and in turn uploads one without a browser.
"""

import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from playwright.sync_api import Page

from loadtests.lookalikes import lookalikes
from loadtests.report import out, publish, spread
from loadtests.service import service
from loadtests.tracks import encoded
from testing.browsing import browsing
from testing.packages.chromium import fetch

ROUNDS = 8
SECONDS = 180
PATIENCE_MS = 60_000


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    tracks = lookalikes(encoded(SECONDS))
    in_page, alone = [], []
    with service() as server, browsing(fetch()) as browser, TemporaryDirectory() as folder:
        file = Path(folder) / "track.mp3"
        page = browser.new_page()
        page.goto(str(server.http.base_url))
        for number in range(rounds + 1):
            file.write_bytes(next(tracks))
            in_page.append(dropped(page, file))
            alone.append(uploaded(server.http, next(tracks)))
            out.print(f"{number} of {rounds}: {in_page[-1]:.3f} s, {alone[-1]:.3f} s")
    del in_page[0], alone[0]  # while the decoders and the page are still cold
    ratios = [page_s / alone_s for page_s, alone_s in zip(in_page, alone, strict=True)]
    rows = [
        {"what": "in the page, s", "min / median / max": spread(in_page)},
        {"what": "the same upload without a browser, s", "min / median / max": spread(alone)},
        {"what": "ratio, round by round", "min / median / max": spread(ratios)},
    ]
    publish("page", f"From the drop to the chips, {SECONDS} s of MP3, {rounds} rounds", rows)


def dropped(page: Page, file: Path) -> float:
    """Choose a track in a fresh page, and wait for its suggestions; in seconds."""
    page.reload()
    page.get_by_text(re.compile("up to [0-9]")).wait_for()
    choose = page.get_by_label("Choose a track")
    begun = time.perf_counter()
    choose.set_input_files(file)
    page.get_by_role("heading", name="Suggested tags").wait_for(timeout=PATIENCE_MS)
    return time.perf_counter() - begun


def uploaded(http: httpx.Client, track: bytes) -> float:
    """Upload a track as a program does; in seconds."""
    begun = time.perf_counter()
    http.post("/suggest-tags", files={"file": track}).raise_for_status()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
