"""Uploads that are cancelled, cut off, or come when there is no place for them."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.asking import (
    encoded,
    eventually,
    kept_uploads,
    multipart,
    noise,
    upload,
    wait_for_uploads,
)
from tests.browser.complaints import Complaints
from tests.browser.conftest import FIELD
from tests.browser.element import Element, payload
from tests.browser.host import Host
from tests.browser.mortal import Mortal
from tests.browser.network import slow_uploads

TRACK = encoded(noise(60))
BYTES_PER_S = 200_000
BEGUN = re.compile(r"^[1-9]\d?$")
"""Some of it is sent, and not all."""


@pytest.fixture(scope="module")
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `mortal` keeps what it receives."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def mortal(
    tmp_path_factory: pytest.TempPathFactory, host: Host, temporary_files: Path
) -> Iterator[Mortal]:
    """A service that takes one upload at a time, and may be killed."""
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([host.origin]),
        "TAGGRAM_MAX_IN_FLIGHT": "1",
    }
    mortal = Mortal(tmp_path_factory.mktemp("mortal"), settings)
    yield mortal
    mortal.close()


@pytest.fixture
def element(page: Page, host: Host, mortal: Mortal) -> Element:
    """An element whose file is not chosen yet."""
    page.goto(host.page(mortal.origin, FIELD))
    element = Element(page)
    element.wait_until_ready()
    return element


@pytest.fixture
def sending(element: Element, page: Page) -> Iterator[Element]:
    """An element in the middle of sending a file."""
    with slow_uploads(page, BYTES_PER_S):
        element.choose(payload("song.flac", TRACK))
        expect(element.progress).to_have_attribute("aria-valuenow", BEGUN)
        yield element


def test_it_says_what_is_left(sending: Element) -> None:
    expect(
        sending.root.get_by_text(re.compile(r"MB of 1\.\d MB, about \d+ s left"))
    ).to_be_visible()


def test_what_is_cancelled_is_not_kept(
    sending: Element, mortal: Mortal, temporary_files: Path
) -> None:
    wait_for_uploads(mortal.server, 1)
    sending.button("Cancel").click()
    expect(sending.alert).to_contain_text("Cancelled")
    expect(sending.button("Try again")).to_be_focused()
    wait_for_uploads(mortal.server, 0)
    eventually(lambda: not kept_uploads(mortal.server, temporary_files))
    track = {"track_id": hashlib.sha256(TRACK).hexdigest()}
    assert mortal.server.http.get("/taggram", params=track).status_code == 404
    assert sending.told("error") == []


def test_what_was_cancelled_can_be_sent_again(element: Element, page: Page, mortal: Mortal) -> None:
    with slow_uploads(page, BYTES_PER_S):
        element.choose(payload("song.flac", TRACK))
        expect(element.progress).to_have_attribute("aria-valuenow", BEGUN)
        element.button("Cancel").click()
    wait_for_uploads(mortal.server, 0)
    element.button("Try again").click()
    expect(element.heading).to_be_visible()


def test_where_all_places_are_taken_it_is_said_how_long_to_wait(
    element: Element, mortal: Mortal, complaints: Complaints
) -> None:
    complaints.expect("status of 503")
    body = multipart(TRACK)
    with upload(mortal.server, Content_Length=str(len(body))) as connection:
        connection.send(body[:1000])
        wait_for_uploads(mortal.server, 1)
        element.choose(payload("song.flac", TRACK))
        expect(element.alert).to_contain_text("Everyone is listening")
        expect(element.button(re.compile(r"^Try again in \d+ s$"))).to_be_visible()
    wait_for_uploads(mortal.server, 0)
    element.button("Try again").click()
    expect(element.heading).to_be_visible()


def test_a_service_that_dies_costs_no_file(
    sending: Element, mortal: Mortal, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_")
    mortal.kill()
    expect(sending.alert).to_contain_text("could not reach")
    assert [error["kind"] for error in sending.told("error")] == ["unreachable"]
    sending.button("Try again").click()
    expect(sending.alert).to_contain_text("could not reach")
    mortal.revive()
    sending.button("Try again").click()
    expect(sending.heading).to_be_visible()
    expect(sending.root.get_by_text("song.flac", exact=True)).to_be_visible()


def test_without_a_service_words_of_one_s_own_are_sent(
    element: Element, page: Page, host: Host, mortal: Mortal, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_")
    page.route(f"{mortal.origin}/**", lambda route: route.abort())
    element.choose(payload("song.flac", TRACK))
    expect(element.alert).to_contain_text("could not reach")
    element.add("shoegaze")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert host.submitted[-1] == [("subgenres", "shoegaze")]
