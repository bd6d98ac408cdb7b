"""A service with API keys: the page uploads with tokens that the host's backend gives it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.access.key_file import create_key
from testing.server import STUB, Server, serving
from testing.waiting import wait_for
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Embed
from tests.browser.host import Host
from tests.browser.network import origin
from tests.support.client import metric

USES = 2
FIELD = '<tag-suggest name="subgenres" max="3" threshold="0" token-url="/token"></tag-suggest>'
WITHOUT = '<tag-suggest name="subgenres" max="3"></tag-suggest>'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Server]:
    """A service with tokens that are valid for two uploads; the host has one of its keys."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = folder / "keys.json"
    key = create_key(keys, "host", admin=False)
    settings = {
        "TAGGRAM_KEYS_FILE": str(keys),
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([host.origin]),
        "TAGGRAM_UPLOAD_TOKEN_USES": str(USES),
    }
    with serving(folder / "log", settings, STUB) as server:

        def issue() -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {key}"}
            request = {"origin": host.origin}
            return server.http.post("/upload-tokens", json=request, headers=headers).json()

        host.issue_token = issue
        yield server
        host.issue_token = None


def test_every_request_of_the_page_carries_a_token(
    embed: Embed, page: Page, host: Host, service: Server, track: Path
) -> None:
    element = embed(FIELD)
    element.analyse(track)
    element.button("Show how tags move through the song").click()
    expect(element.root.locator("taggram-view").get_by_role("application")).to_be_visible()
    element.suggestions.first.click()
    before = metric(service, "taggram_feedback_total", vocabulary="subgenres")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    wait_for(
        lambda: metric(service, "taggram_feedback_total", vocabulary="subgenres") == before + 1,
        "the feedback to be counted",
    )


def test_a_used_up_token_is_renewed_silently(
    embed: Embed, host: Host, console_errors: ConsoleErrors, track: Path
) -> None:
    console_errors.expect("status of 401", "status of 403")
    element = embed(FIELD)
    given = host.tokens_given
    for _ in range(USES + 1):
        element.analyse(track)
    assert element.events("error") == []
    assert host.tokens_given == given + 2


def test_a_host_without_a_token_is_named_as_the_cause(
    embed: Embed, page: Page, console_errors: ConsoleErrors, track: Path
) -> None:
    console_errors.expect("/token")
    page.route("**/token", lambda route: route.fulfill(status=500, body="no"))
    element = embed(FIELD)
    element.choose(track)
    expect(element.alert).to_contain_text("may not upload")
    assert [error["kind"] for error in element.events("error")] == ["no_token"]
    page.unroute_all()
    element.button("Try again").click()
    expect(element.heading).to_be_visible()


def test_without_a_token_no_track_is_accepted(
    embed: Embed, console_errors: ConsoleErrors, track: Path
) -> None:
    console_errors.expect("status of 401")
    element = embed(WITHOUT)
    element.choose(track)
    expect(element.alert).to_contain_text("may not upload")
    assert [error["kind"] for error in element.events("error")] == ["unauthorized"]


def test_a_token_of_another_page_is_refused(
    embed: Embed, page: Page, service: Server, console_errors: ConsoleErrors, track: Path
) -> None:
    """The service's own page is on another origin than the one that the token names."""
    console_errors.expect("status of 403")
    element = embed(FIELD)
    token = page.evaluate("fetch('/token').then(response => response.text())")
    page.goto(origin(service))
    page.route("**/token", lambda route: route.fulfill(body=token))
    page.evaluate("document.querySelector('tag-suggest').setAttribute('token-url', '/token')")
    element.choose(track)
    expect(element.alert).to_contain_text("may not upload")
