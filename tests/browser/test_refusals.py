"""The message of a refused file, and the next steps."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Request, Route, expect

from testing.sounds import encoded
from tests.browser.conftest import MAX_UPLOAD_BYTES
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Embed, payload
from tests.browser.network import UPLOADS, fulfill, refuse
from tests.support.client import noise_file

TEXT = b"This is a song, or so its name says. " * 100
SILENCE = payload("silence.flac", encoded(np.zeros(4 * 16_000, np.float32), 16_000, "FLAC"))
SHORT = payload("short.flac", noise_file(0.1))
DAMAGED = payload("damaged.flac", noise_file(10)[:10_000])
HALF = payload("half.flac", noise_file(10)[:100_000])
TOO_LARGE = payload("long.wav", bytes(MAX_UPLOAD_BYTES + 1))
TOO_LARGE_WORDS = re.compile("too large.*up to 2 MB")


def uploads(page: Page) -> list[Request]:
    """The uploads that a page begins from now on."""
    begun: list[Request] = []
    page.on("request", lambda request: "/suggest-tags" in request.url and begun.append(request))
    return begun


def test_a_file_that_the_page_can_refuse_is_not_sent(
    embed: Embed, page: Page, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("ERR_REQUEST_RANGE_NOT_SATISFIABLE")  # of an empty file's sound
    refused = {
        "unsupported_type": (payload("notes.txt", TEXT, "text/plain"), "not a kind of file"),
        "empty_file": (payload("empty.mp3", b"", "audio/mpeg"), "is empty"),
        "too_large": (TOO_LARGE, TOO_LARGE_WORDS),
    }
    element = embed()
    begun = uploads(page)
    for file, words in refused.values():
        element.choose(file)
        expect(element.alert).to_contain_text(words)
        expect(element.button("Try again")).to_have_count(0)
    assert [event["kind"] for event in element.events("error")] == list(refused)
    assert begun == []


def test_refusals_of_the_service_are_explained(embed: Embed, console_errors: ConsoleErrors) -> None:
    console_errors.expect("status of 415", "status of 422")
    refused = {
        "unsupported_audio": (payload("a song.mp3", TEXT), "can’t read this kind of audio"),
        "undecodable_audio": (DAMAGED, "file is damaged"),
        "audio_too_short": (SHORT, "at least 0.5 sec"),
        "silent_audio": (SILENCE, "track is silent"),
    }
    element = embed()
    for file, words in refused.values():
        element.choose(file)
        expect(element.alert).to_contain_text(words)
        expect(element.button("Try again")).to_be_hidden()
        expect(element.button("Choose another track")).to_be_focused()
    errors = element.events("error")
    assert [error["kind"] for error in errors] == list(refused)
    assert all(error["requestId"] for error in errors)


def change(track: Path) -> None:
    """Write a track again: browsers compare the time of a file, in whole seconds."""
    track.write_bytes(noise_file(5, seed=76))
    later = track.stat().st_mtime + 60
    os.utime(track, (later, later))


@pytest.mark.parametrize("what", [change, Path.unlink], ids=["changed", "deleted"])
def test_a_file_that_changed_since_it_was_chosen_must_be_chosen_again(
    embed: Embed,
    page: Page,
    console_errors: ConsoleErrors,
    tmp_path: Path,
    what: Callable[[Path], None],
) -> None:
    console_errors.expect("net::ERR_")
    track = tmp_path / "mix.flac"
    track.write_bytes(noise_file(4, seed=75))
    element = embed()
    page.route(UPLOADS, lambda route: route.abort())
    element.choose(track)
    expect(element.alert).to_contain_text("could not reach")
    page.unroute(UPLOADS)
    what(track)
    element.button("Try again").click()
    expect(element.alert).to_contain_text("changed since you chose it")
    expect(element.alert).to_contain_text("Choose it again")
    expect(element.button("Try again")).to_be_hidden()
    assert [error["kind"] for error in element.events("error")] == ["unreachable", "file_changed"]
    if not track.exists():
        track.write_bytes(noise_file(5, seed=77))
    element.choose(track)
    expect(element.heading).to_be_visible()


def test_a_damaged_file_is_tagged_and_the_page_says_so(embed: Embed) -> None:
    element = embed()
    element.analyse(HALF)
    expect(
        element.root.get_by_text("100 kB · The file is damaged: 0:03 of 0:10 could be read")
    ).to_be_visible()
    assert element.events("error") == []


def test_a_file_without_an_extension_is_judged_by_its_bytes(embed: Embed) -> None:
    element = embed()
    for media_type in ("", "application/octet-stream", "video/x-unknown"):
        element.analyse(payload("recording", noise_file(4, seed=75), media_type))
    assert element.events("error") == []


def test_a_file_may_be_too_large_for_the_service_only(
    embed: Embed, page: Page, console_errors: ConsoleErrors
) -> None:
    def promise_more(route: Route) -> None:
        limits = route.fetch()
        route.fulfill(response=limits, json={**limits.json(), "max_bytes": 10**9})

    console_errors.expect("status of 413")
    page.route("**/limits", promise_more)
    element = embed()
    element.choose(TOO_LARGE)
    expect(element.alert).to_contain_text(TOO_LARGE_WORDS)
    assert [event["kind"] for event in element.events("error")] == ["payload_too_large"]


def test_an_answer_of_a_proxy_is_explained_and_not_taken_for_suggestions(
    embed: Embed, page: Page, console_errors: ConsoleErrors, track: Path
) -> None:
    console_errors.expect("status of 413", "status of 502", "Refused to get unsafe header")
    element = embed()
    for status, words in (
        (502, "could not reach"),
        (413, TOO_LARGE_WORDS),
        (200, "could not reach"),
    ):
        fulfill(page, status, body="<h1>Welcome to our network</h1>")
        element.choose(track)
        expect(element.alert).to_contain_text(words)
    assert element.events("suggested") == []


def test_after_a_refusal_another_track_can_be_chosen_and_tags_are_still_there(
    embed: Embed, console_errors: ConsoleErrors, track: Path
) -> None:
    console_errors.expect("status of 422")
    element = embed()
    element.add("shoegaze")
    element.choose(SILENCE)
    expect(element.alert).to_contain_text("track is silent")
    assert element.value == ["shoegaze"]
    element.analyse(track)
    expect(element.alert).to_have_count(0)
    assert element.value == ["shoegaze"]


def test_an_answer_of_low_confidence_says_so(embed: Embed, page: Page, track: Path) -> None:
    element = embed()
    unsure = element.root.get_by_text("We are not sure about this one", exact=True)
    element.analyse(track)
    expect(unsure).to_be_hidden()
    [answered] = element.events("suggested")
    fulfill(page, json={**answered, "confidence": "low"})
    element.analyse(track)
    expect(unsure).to_be_visible()


def test_a_temporary_refusal_shows_how_long_to_wait(
    embed: Embed, page: Page, console_errors: ConsoleErrors, track: Path
) -> None:
    console_errors.expect("status of 429", "status of 503")
    element = embed()
    waiting = element.button(re.compile(r"^Try again in \d+ sec$"))
    refusals = [(429, "rate_limited", "a lot of tracks"), (503, "not_ready", "still starting")]
    for status, kind, words in refusals:
        refuse(page, status, kind, retry_after_s=600)
        element.choose(track)
        expect(element.alert).to_contain_text(words)
        expect(waiting).to_have_attribute("aria-disabled", "true")
    begun = uploads(page)
    waiting.click(force=True)
    expect(waiting).to_be_visible()
    assert begun == []
    refuse(page, 503, "not_ready", retry_after_s=1)
    with page.expect_response(UPLOADS):
        element.choose(track)
    page.unroute_all()
    element.button("Try again").click()  # which it waits for, the second being counted down
    expect(element.heading).to_be_visible()
