"""`<tag-suggest multiple>`: several tracks, their pooled tags, and tracks that fail."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from testing.server import Server
from testing.sounds import encoded
from tests.browser.conftest import MAX_UPLOAD_BYTES
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element, Embed, labels_of, payload
from tests.browser.host import Host
from tests.browser.network import POOLED_UPLOADS, slow_uploads
from tests.browser.test_choosing import drop, tab_to
from tests.support.client import noise_file, wait_for_uploads

FIELD = '<tag-suggest name="subgenres" max="3" threshold="0" multiple required></tag-suggest>'
ONE = payload("one.flac", noise_file(4, seed=81))
TWO = payload("two.flac", noise_file(5, seed=82))
COPY = payload("one again.flac", ONE["buffer"])
SILENT = payload("silence.flac", encoded(np.zeros(4 * 16_000, np.float32), 16_000, "FLAC"))
SHORT = payload("short.flac", noise_file(0.1))
NOTES = payload("notes.txt", b"no song", "text/plain")
LARGE = payload("long.wav", bytes(MAX_UPLOAD_BYTES + 1))
ANNOUNCED = "element => element.shadowRoot.querySelector('[aria-live]').textContent"


@pytest.fixture
def element(embed: Embed) -> Element:
    """An element for several tracks."""
    return embed(FIELD)


def own_tags(answer: dict, position: int) -> str:
    """What the row of a track says of its own suggestions."""
    suggestions = answer["tracks"][position]["suggested"]["suggestions"]
    return "Alone: " + " · ".join(f"{each['label']} {each['score']:.2f}" for each in suggestions)


def test_several_tracks_get_pooled_tags_and_each_its_own(
    element: Element, page: Page, host: Host
) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    element.list_tracks(ONE, TWO)
    expect(element.tracks).to_have_count(2)
    assert element.root.evaluate(ANNOUNCED) == "2 of up to 10 tracks"
    element.analyse_listed()

    [pooled] = element.events("suggested")
    assert pooled["tracks_read"] == 2
    expect(element.suggestions.locator(".tag")).to_have_text(labels_of(pooled))
    assert "From 2 tracks together" in element.root.evaluate(ANNOUNCED)
    for position, name in enumerate(("one.flac", "two.flac")):
        expect(element.tracks.nth(position)).to_contain_text(name)
        expect(element.tracks.nth(position)).to_contain_text(own_tags(pooled, position))
    ids = [track["suggested"]["track_id"] for track in pooled["tracks"]]
    assert element.root.evaluate("element => element.trackIds") == ids

    element.suggestions.first.click()
    [chosen] = element.value
    assert element.events("changed")[-1] == {"tags": [chosen], "trackIds": ids}
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert host.submitted[-1] == [("subgenres", chosen)]
    assert not any(url.endswith("/feedback") for url in requested)  # of no single track


def test_a_track_that_cannot_be_read_says_why_and_fails_no_other(element: Element) -> None:
    element.list_tracks(NOTES, ONE, LARGE, SILENT, SHORT, COPY)
    notes, one, large, silent, short, copy = element.tracks.all()
    expect(notes).to_contain_text("not a kind of file we can read")
    expect(large).to_contain_text(re.compile("too large.*up to 2 MB"))
    expect(element.button("Analyse 4 tracks")).to_be_visible()
    element.analyse_listed()
    [pooled] = element.events("suggested")
    assert pooled["tracks_read"] == 1
    expect(one).to_contain_text("Alone: ")
    expect(silent).to_contain_text("track is silent")
    expect(short).to_contain_text("at least 0.5 sec")
    expect(copy).to_contain_text("The same file as one.flac")
    assert element.events("error") == []

    # The tags stay without a track that has no part in them, and not without another.
    element.button("Remove silence.flac").click()
    expect(element.tracks).to_have_count(5)
    expect(element.heading).to_be_visible()
    expect(element.button("Add tracks")).to_be_focused()
    element.button("Remove one.flac").click()
    expect(element.heading).to_be_hidden()
    expect(element.button("Analyse 1 track")).to_be_focused()
    expect(element.tracks.filter(has_text="one again.flac")).to_contain_text("Alone: ")


def test_more_tracks_than_allowed_are_left_out_before_the_upload(element: Element) -> None:
    element.list_tracks(*(payload(f"{name}.flac", ONE["buffer"]) for name in range(9)))
    element.list_tracks(*(payload(f"more {name}.flac", ONE["buffer"]) for name in range(3)))
    expect(element.tracks).to_have_count(10)
    expect(element.root.get_by_text("2 more files were left out").first).to_be_visible()
    assert "2 more files were left out" in element.root.evaluate(ANNOUNCED)


def test_tracks_that_are_too_large_together_are_not_sent(
    embed: Embed, page: Page, console_errors: ConsoleErrors
) -> None:
    def allow_less(route: Route) -> None:
        limits = route.fetch()
        pooled = {"max_files": 10, "max_bytes": len(ONE["buffer"]) + 1}
        route.fulfill(response=limits, json={**limits.json(), "pooled": pooled})

    page.route("**/limits", allow_less)
    element = embed(FIELD)
    begun: list[str] = []
    page.on("request", lambda request: begun.append(request.url))
    element.list_tracks(ONE, TWO)
    element.button("Analyse 2 tracks").click()
    expect(element.alert).to_contain_text("Together these tracks are too large")
    assert [error["kind"] for error in element.events("error")] == ["too_large_together"]
    assert not any("suggest-tags" in url for url in begun)
    element.button("Remove two.flac").click()
    expect(element.alert).to_have_count(0)
    element.analyse_listed()

    # A proxy may have a lower limit, and an answer of its own.
    console_errors.expect("status of 413")
    page.route(POOLED_UPLOADS, lambda route: route.fulfill(status=413, body="<h1>Proxy</h1>"))
    element.button("Remove one.flac").click()
    element.list_tracks(TWO)
    element.button("Analyse 1 track").click()
    expect(element.alert).to_contain_text("Together these tracks are too large")


def test_tracks_of_which_none_can_be_read_say_so(
    element: Element, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("status of 422")
    element.list_tracks(SILENT, SHORT)
    element.button("Analyse 2 tracks").click()
    expect(element.alert).to_contain_text("None of these tracks can be read")
    expect(element.button("Try again")).to_be_hidden()
    expect(element.tracks.first).to_contain_text("track is silent")
    expect(element.button(re.compile("^Analyse"))).to_be_hidden()
    element.list_tracks(ONE)
    element.analyse_listed()
    expect(element.alert).to_have_count(0)


def test_an_upload_of_several_tracks_is_cancelled_and_sent_again(
    element: Element, page: Page, service: Server
) -> None:
    element.list_tracks(ONE, payload("three.flac", noise_file(60, seed=83)))
    wait_for_uploads(service, 0)
    with slow_uploads(page):
        element.button("Analyse 2 tracks").click()
        expect(element.root.get_by_role("progressbar", name="Sending 2 tracks")).to_be_visible()
        wait_for_uploads(service, 1)
        expect(element.button("Cancel")).to_be_focused()
        element.button("Cancel").click()
        expect(element.alert).to_contain_text("Cancelled")
        wait_for_uploads(service, 0)
    expect(element.tracks).to_have_count(2)
    element.button("Try again").click()
    expect(element.heading).to_be_visible()


def test_a_file_that_changed_is_named(
    element: Element, console_errors: ConsoleErrors, tmp_path: Path
) -> None:
    console_errors.expect("net::ERR_")
    path = tmp_path / "mix.flac"
    path.write_bytes(TWO["buffer"])
    element.list_tracks(path)
    element.list_tracks(ONE)
    expect(element.tracks).to_have_count(2)
    path.unlink()
    element.button("Analyse 2 tracks").click()
    expect(element.tracks.filter(has_text="mix.flac")).to_contain_text("changed since you chose it")
    element.button("Remove mix.flac").click()
    element.analyse_listed()
    assert element.events("suggested")[-1]["tracks_read"] == 1


def test_several_tracks_are_dropped_and_analysed_by_keyboard(
    element: Element, page: Page, tmp_path: Path
) -> None:
    files = [tmp_path / "one.flac", tmp_path / "two.flac"]
    for file, track in zip(files, (ONE, TWO), strict=True):
        file.write_bytes(track["buffer"])
    drop(element.root.get_by_text("or drop them here"), *files)
    expect(element.tracks).to_have_count(2)
    drop(element.tracks.first, files[0])
    expect(element.tracks).to_have_count(3)
    element.own.focus()
    tab_to(page, element.button("Remove one.flac").last, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(element.button("Analyse 2 tracks")).to_be_focused()
    with page.expect_console_message(lambda message: message.text == "suggested"):
        page.keyboard.press("Enter")
    expect(element.heading).to_be_focused()


def test_one_track_and_several_are_modes_of_one_element(element: Element, page: Page) -> None:
    element.list_tracks(ONE, TWO)
    element.add("shoegaze")
    page.evaluate("document.querySelector('tag-suggest').removeAttribute('multiple')")
    expect(element.root.get_by_text("Choose a track", exact=True)).to_be_visible()
    assert element.value == ["shoegaze"]
    element.analyse(ONE)
    expect(element.tracks).to_have_count(0)
    page.evaluate("document.documentElement.lang = 'fr'")
    page.evaluate("document.querySelector('tag-suggest').toggleAttribute('multiple')")
    expect(element.root.get_by_text("Choisir des morceaux", exact=True)).to_be_visible()
