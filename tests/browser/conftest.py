"""A real browser, a real service, and a stranger's page that embeds the element from it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from loadtests.chromium_package import OPTIONS
from tests.browser.complaints import Complaints
from tests.browser.element import RECORDER
from tests.browser.host import Host, hosting
from tests.server import Server, serving

PATIENCE_MS = 30_000
MODELS = '["msd-musicnn","mtt-musicnn"]'

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    """Chromium, without a screen; it may play what nobody clicked on."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*OPTIONS, "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def host() -> Iterator[Host]:
    """See `Host`."""
    with hosting() as host:
        yield host


@pytest.fixture(scope="package")
def feedback_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `service` keeps feedback."""
    return tmp_path_factory.mktemp("feedback") / "feedback.sqlite"


@pytest.fixture(scope="package")
def service(
    tmp_path_factory: pytest.TempPathFactory, host: Host, feedback_file: Path
) -> Iterator[Server]:
    """A service that lets the host's pages in, and keeps feedback."""
    settings = {
        "TAGGRAM_MODELS": MODELS,
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([host.origin]),
        "TAGGRAM_FEEDBACK_FILE": str(feedback_file),
    }
    with serving(tmp_path_factory.mktemp("service") / "log", settings) as server:
        yield server


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the page complains about; afterwards there is nothing but what a test expected."""
    complaints = Complaints()
    yield complaints
    assert complaints.unexpected == []


@pytest.fixture
def page(browser: Browser, complaints: Complaints) -> Iterator[Page]:
    """An empty page in a context of its own."""
    with browser.new_context(
        viewport={"width": 1200, "height": 900}, reduced_motion="no-preference"
    ) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(RECORDER)
        context.on("page", complaints.follow)
        yield context.new_page()
