"""What browsers may do with answers: nothing is sniffed, nothing runs but our own page."""

import csv
import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.api.middleware.page_headers import HEADERS
from app.api.routes.page import FOR_EVERY_PAGE
from tests.browser.console_errors import ConsoleErrors
from tests.faults.conftest import MARKUP, Marked

PATHS = [
    *("/", "/web/tag-suggest.js", "/web/nothing", "/limits"),
    *("/docs", "/openapi.json", "/models", "/metrics", "/nothing"),
]


@pytest.fixture
def console_errors() -> ConsoleErrors:
    """What the page complains about, violations of its policy among them."""
    return ConsoleErrors()


@pytest.fixture
def page(browser: Browser, console_errors: ConsoleErrors, marked: Marked) -> Iterator[Page]:
    """A page in a browser with the address of the service."""
    with browser.new_context(base_url=str(marked.server.http.base_url)) as context:
        page = context.new_page()
        console_errors.follow(page)
        yield page


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_content_sniffing(marked: Marked, path: str) -> None:
    headers = marked.server.http.get(path).headers
    wanted = {**HEADERS, "Content-Security-Policy": headers["Content-Security-Policy"]}
    if path == "/web/tag-suggest.js":
        wanted |= FOR_EVERY_PAGE
    assert wanted.items() <= {name.title(): value for name, value in headers.items()}.items()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_the_documentation_works_under_its_policy(
    page: Page, console_errors: ConsoleErrors
) -> None:
    page.goto("/docs")
    expect(page.locator('[data-path="/suggest-tags"]')).to_be_visible()
    assert console_errors.unexpected == []


def test_markup_is_not_run_by_a_browser(page: Page, console_errors: ConsoleErrors) -> None:
    page.goto("/vocabularies")
    assert MARKUP in page.inner_text("body")
    assert page.title() == ""
    expect(page.locator("body script")).to_have_count(0)
    assert not [error for error in console_errors.unexpected if "script" in error]


def test_markup_in_tags_stays_data_in_json(marked: Marked) -> None:
    response = marked.taggram("application/json")
    assert response.headers["Content-Type"] == "application/json"
    shown = response.json()
    assert shown["vocabulary"] == MARKUP
    assert MARKUP in shown["tags"]


def test_markup_in_tags_stays_data_in_a_table(marked: Marked) -> None:
    response = marked.taggram("text/csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    header = next(csv.reader(io.StringIO(response.text)))
    assert set(header) == {"time_s", MARKUP, "pop"}


def test_markup_in_tags_is_drawn(marked: Marked) -> None:
    response = marked.taggram("image/png")
    assert response.headers["Content-Type"] == "image/png"
    assert response.content.startswith(b"\x89PNG")
    assert b"<script>" not in response.content
