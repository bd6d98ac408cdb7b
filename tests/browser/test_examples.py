"""The plain page of the examples, in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from testing.server import Server
from tests.browser.element import Element
from tests.browser.host import Host
from tests.browser.network import origin
from tests.conftest import REPOSITORY

PLAIN_PAGE = REPOSITORY / "examples" / "plain-page" / "index.html"
SERVICE = "http://127.0.0.1:8000"


@pytest.fixture
def element(page: Page, host: Host, service: Server) -> Element:
    """The element of the plain page, which asks the service of the tests."""
    html = PLAIN_PAGE.read_text().replace(SERVICE, origin(service))
    page.goto(host.show(html))
    # The stub's scores mean nothing: without a threshold some suggestion is shown.
    page.locator("tag-suggest").evaluate("element => element.setAttribute('threshold', '0')")
    element = Element(page)
    element.wait_until_ready()
    return element


def test_the_plain_page_sends_the_chosen_tags(element: Element, page: Page, track: Path) -> None:
    page.get_by_label("Artist").fill("Someone")
    element.analyse(track)
    element.suggestions.first.click()
    (chosen,) = element.value

    page.get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("status")).to_have_text(f"artist=Someone&subgenres={chosen}")
