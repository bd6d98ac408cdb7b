"""From a song to a submitted form, on a stranger's page."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.element import Element
from tests.browser.host import Host
from tests.server import Server

FIELD = '<tag-suggest name="subgenres" max="3" required></tag-suggest>'


def test_flow(page: Page, host: Host, service: Server, ambient_song: Path) -> None:
    page.goto(host.page(str(service.http.base_url).rstrip("/"), FIELD))
    element = Element(page)
    element.hear(ambient_song)
    print(element.root.aria_snapshot())
    print(element.told("suggested"))
