"""Pictures of the documentation, taken from the real service: `python -m testing.doc_images`.

A free song of a Debian package is tagged by the default models. The signup page is taken in
Chromium, the taggram is the PNG of `GET /taggram`. Both are written to `docs/images`, with
a palette of 128 colours to keep them small.
"""

import tempfile
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import ViewportSize, expect

from testing.browsing import browsing
from testing.packages.audio import audio_folder
from testing.packages.chromium import fetch
from testing.server import serving

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SONG = audio_folder("singularity-music") / "Through Space.ogg"
SCREEN: ViewportSize = {"width": 720, "height": 1400}
MARGIN = 16
"""Pixels around the form."""
COLOURS = 128


def take_page(url: str, chromium: Path) -> bytes:
    """Take the signup page with the suggestions for the song, as PNG."""
    with browsing(chromium) as browser:
        page = browser.new_page(viewport=SCREEN, color_scheme="light", reduced_motion="reduce")
        page.goto(url)
        element = page.locator("tag-suggest")
        page.get_by_label("Artist or band").fill("Max McCracken")
        element.get_by_label("Choose a track").set_input_files(SONG)
        chips = element.locator("button[aria-pressed]")
        expect(chips.first).to_be_visible(timeout=120_000)
        chips.first.click()
        chips.nth(1).click()
        page.mouse.move(0, 0)
        box = page.locator("#signup").bounding_box()
        assert box is not None
        return page.screenshot(
            clip={
                "x": box["x"] - MARGIN,
                "y": box["y"] - MARGIN,
                "width": box["width"] + 2 * MARGIN,
                "height": box["height"] + 2 * MARGIN,
            }
        )


def take_taggram(http: httpx.Client) -> bytes:
    """Take the taggram of the song over the genres, as PNG."""
    with SONG.open("rb") as file:
        url = "/suggest-tags?vocabulary=genres"
        answer = http.post(url, files={"file": file}).raise_for_status().json()
    query = {"track_id": answer["track_id"], "vocabulary": "genres", "top": "8"}
    picture = http.get("/taggram", params=query, headers={"Accept": "image/png"})
    return picture.raise_for_status().content


def keep(png: bytes, name: str) -> None:
    """Write a picture with a small palette."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    colours = Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    colours.save(IMAGES / name, optimize=True)


def main() -> None:
    """Start the service, and take both pictures."""
    chromium = fetch()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
        keep(take_page(str(server.http.base_url), chromium), "signup-page.png")
        keep(take_taggram(server.http), "taggram.png")


if __name__ == "__main__":
    main()
