"""Chromium under Playwright, as the tests and the load tests of the page start it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

OPTIONS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
"""No requests but those of the pages it opens, and sound without a click."""


@contextmanager
def browsing(chromium: Path, *, headed: bool = False, slow_mo_ms: int = 0) -> Iterator[Browser]:
    """Run Chromium until the body is done; meanwhile this thread can't run another event loop.

    Args:
        chromium: Path of its executable.
        headed: Whether it opens windows.
        slow_mo_ms: Delay after each step in milliseconds, for people watching.
    """
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=chromium, args=OPTIONS, headless=not headed, slow_mo=slow_mo_ms
        ) as browser,
    ):
        yield browser
