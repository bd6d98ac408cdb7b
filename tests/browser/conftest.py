"""A real browser, a real service, and a stranger's page that embeds the element from it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from testing.packages.chromium import OPTIONS
from testing.server import Server, serving
from tests.browser.complaints import Complaints
from tests.browser.element import RECORDER, Element
from tests.browser.host import Host, hosting
from tests.browser.network import origin
from tests.faults.conftest import VOCABULARY

PATIENCE_MS = 30_000
MAX_UPLOAD_BYTES = 8_000_000
FIELD = '<tag-suggest name="subgenres" max="3" required></tag-suggest>'

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
    """A service that lets the host's pages in, keeps feedback, and has markup in a vocabulary."""
    folder = tmp_path_factory.mktemp("service")
    vocabulary = folder / "marked.yaml"
    vocabulary.write_text(VOCABULARY)
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn","mtt-musicnn"]',
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([host.origin]),
        "TAGGRAM_FEEDBACK_FILE": str(feedback_file),
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_VOCABULARY_FILES": json.dumps([str(vocabulary)]),
    }
    with serving(folder / "log", settings) as server:
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
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(RECORDER)
        context.on("page", complaints.follow)
        page = context.new_page()
        page.on("filechooser", lambda _: None)  # else each one that is expected is hooked in anew
        yield page


@pytest.fixture
def embed(page: Page, host: Host, service: Server) -> Callable[..., Element]:
    """Opens a form of the host's with some fields; its first element."""

    def embedded(fields: str = FIELD, method: str = "post") -> Element:
        page.goto(host.page(origin(service), fields, method))
        element = Element(page)
        element.wait_until_ready()
        return element

    return embedded
