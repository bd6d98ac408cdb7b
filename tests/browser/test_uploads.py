"""Uploads that are cancelled, cut off, or come when all places are taken."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from testing.multipart import multipart
from testing.server import STUB, Server, serving
from testing.waiting import wait_for
from tests.browser.conftest import FIELD, MAX_IN_FLIGHT
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element, Embed, payload
from tests.browser.host import Host
from tests.browser.network import UPLOADS, origin, slow_uploads
from tests.support.client import kept_uploads, noise_file, upload, wait_for_uploads

DATA = noise_file(60, seed=73)
TRACK = payload("song.flac", DATA)
BEGUN = re.compile(r"^[1-9]\d?$")
"""Some of it is sent, and not all."""


@pytest.fixture
def mortal(tmp_path: Path, host: Host) -> Iterator[Server]:
    """A service that a test may kill."""
    settings = {"TAGGRAM_ALLOWED_ORIGINS": json.dumps([host.origin])}
    with serving(tmp_path / "log", settings, STUB) as server:
        yield server


def test_a_cancelled_upload_is_not_kept_and_can_be_sent_again(
    embed: Embed, page: Page, service: Server
) -> None:
    data = noise_file(60, seed=74)  # that no other test sends
    element = embed()
    wait_for_uploads(service, 0)
    with slow_uploads(page):
        element.choose(payload("song.flac", data))
        expect(element.progress).to_have_attribute("aria-valuenow", BEGUN)
        left = re.compile(r"\d kB of 1\.\d MB, about \d+ sec left")
        expect(element.root.get_by_text(left)).to_be_visible()
        wait_for_uploads(service, 1)
        element.button("Cancel").click()
        expect(element.alert).to_contain_text("Cancelled")
        expect(element.button("Try again")).to_be_focused()
        wait_for_uploads(service, 0)
    wait_for(
        lambda: not kept_uploads(service, service.log.with_name("tmp")),
        "the upload's file to be closed",
    )
    track = {"track_id": hashlib.sha256(data).hexdigest()}
    assert service.http.get("/taggram", params=track).status_code == 404
    assert element.events("error") == []
    element.button("Try again").click()
    expect(element.heading).to_be_visible()


def test_under_overload_the_page_shows_how_long_to_wait(
    embed: Embed, service: Server, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("status of 503")
    element = embed()
    wait_for_uploads(service, 0)
    body = multipart(DATA)
    with ExitStack() as places:
        for _ in range(MAX_IN_FLIGHT):
            connection = places.enter_context(upload(service, Content_Length=str(len(body))))
            connection.send(body[:1000])
        wait_for_uploads(service, MAX_IN_FLIGHT)
        element.choose(TRACK)
        expect(element.alert).to_contain_text("service is busy")
        [error] = element.events("error")
        assert error["kind"] == "overloaded"
    wait_for_uploads(service, 0)
    element.button("Try again").click()  # which it waits for, seconds being counted down
    expect(element.heading).to_be_visible()


def test_a_service_that_dies_loses_no_file(
    page: Page, host: Host, mortal: Server, service: Server, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("net::ERR_")
    page.goto(host.page(origin(mortal), FIELD))
    element = Element(page)
    element.wait_until_ready()
    with slow_uploads(page):
        element.choose(TRACK)
        expect(element.progress).to_have_attribute("aria-valuenow", BEGUN)
        mortal.process.kill()
        expect(element.alert).to_contain_text("could not reach")
    assert [error["kind"] for error in element.events("error")] == ["unreachable"]
    reroute(page, mortal, service)
    element.button("Try again").click()
    expect(element.heading).to_be_visible()
    expect(element.root.get_by_text("song.flac", exact=True)).to_be_visible()


def test_without_a_service_custom_tags_are_submitted(
    embed: Embed, page: Page, host: Host, service: Server, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("net::ERR_")
    element = embed()
    page.route(f"{origin(service)}/**", lambda route: route.abort())
    element.choose(TRACK)
    expect(element.alert).to_contain_text("could not reach")
    element.add("shoegaze")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert host.submitted[-1] == [("subgenres", "shoegaze")]


def reroute(page: Page, dead: Server, living: Server) -> None:
    """Let a service come back: another one answers in its place."""
    page.route(
        UPLOADS,
        lambda route: route.continue_(url=route.request.url.replace(origin(dead), origin(living))),
    )
