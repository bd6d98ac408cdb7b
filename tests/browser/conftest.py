"""A real browser, the service with stub networks, and a page of another site that embeds it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from testing.server import STUB, Server, serving
from testing.sounds import encoded, noise
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import RECORDER, Element, Embed
from tests.browser.host import Host, hosting
from tests.browser.network import origin
from tests.conftest import run_browser
from tests.faults.conftest import VOCABULARY

PATIENCE_MS = 60_000
MAX_UPLOAD_BYTES = 2_000_000
MAX_IN_FLIGHT = 4
FIELD = '<tag-suggest name="subgenres" max="3" threshold="0" required></tag-suggest>'
"""Without a threshold: the stub's scores mean nothing."""

expect.set_options(timeout=PATIENCE_MS)

browser = pytest.fixture(run_browser, scope="package")


@pytest.fixture(scope="package")
def context(browser: Browser, host: Host, pytestconfig: pytest.Config) -> Iterator[BrowserContext]:
    """The context of all pages: the page and the element store nothing in a browser.

    One page stays open: without one, Chromium takes a second more for the next.
    """
    scale = 2 if pytestconfig.getoption("screenshots") else 1
    size = {"width": 1200, "height": 900}
    with browser.new_context(viewport=size, device_scale_factor=scale) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(RECORDER)
        context.new_page().goto(f"{host.origin}/style.css")
        yield context


@pytest.fixture(scope="package")
def host() -> Iterator[Host]:
    """See `Host`."""
    with hosting() as host:
        yield host


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Server]:
    """A service that lets the host's pages in, keeps feedback, and has markup in a vocabulary."""
    folder = tmp_path_factory.mktemp("service")
    temporary_files, vocabulary = folder / "tmp", folder / "marked.yaml"
    temporary_files.mkdir()
    vocabulary.write_text(VOCABULARY)
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([host.origin]),
        "TAGGRAM_FEEDBACK_FILE": str(folder / "feedback.sqlite"),
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_MAX_IN_FLIGHT": str(MAX_IN_FLIGHT),
        "TAGGRAM_VOCABULARY_FILES": json.dumps([str(vocabulary)]),
    }
    with serving(folder / "log", settings, STUB) as server:
        yield server


@pytest.fixture(scope="package")
def feedback_file(service: Server) -> Path:
    """Where the service keeps feedback."""
    return service.log.with_name("feedback.sqlite")


@pytest.fixture(scope="package")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, now loud and now quiet, so that its scores change."""
    levels = np.random.default_rng(1).uniform(0.05, 1, 12).repeat(3 * 16_000)
    path = tmp_path_factory.mktemp("track") / "a track.flac"
    path.write_bytes(encoded((noise(36 * 16_000) * levels).astype(np.float32), 16_000, "FLAC"))
    return path


@pytest.fixture
def console_errors() -> Iterator[ConsoleErrors]:
    """Errors on the console of pages; at the end there are only those that a test expects."""
    console_errors = ConsoleErrors()
    yield console_errors
    assert console_errors.unexpected == []


@pytest.fixture
def page(context: BrowserContext, console_errors: ConsoleErrors) -> Iterator[Page]:
    """An empty page; other pages that a test opens are followed and closed as well."""
    context.on("page", console_errors.follow)
    page = context.new_page()
    page.on("filechooser", lambda _: None)  # else each expected one is registered again
    yield page
    for opened in context.pages[1:]:
        opened.close()
    context.remove_listener("page", console_errors.follow)


@pytest.fixture
def embed(page: Page, host: Host, service: Server) -> Embed:
    """Opens a form of the host's with some fields; its first element."""

    def embedded(fields: str = FIELD, method: str = "post") -> Element:
        page.goto(host.page(origin(service), fields, method))
        element = Element(page)
        element.wait_until_ready()
        return element

    return embedded
