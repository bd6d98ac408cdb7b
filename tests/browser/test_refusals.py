"""What an artist is told when a file is refused, and what can be done then."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect

from tests.api.asking import encoded, noise
from tests.browser.complaints import Complaints
from tests.browser.conftest import MAX_UPLOAD_BYTES
from tests.browser.element import Element, payload
from tests.browser.network import refuse

RATE = 16_000
TEXT = b"This is a song, or so its name says. " * 100
SILENCE = encoded(np.zeros(4 * RATE, np.float32))
SHORT = encoded(noise(0.1))
DAMAGED = encoded(noise(10))[:100_000]

Embed = Callable[..., Element]


@pytest.fixture
def too_large(tmp_path: Path) -> Path:
    """A file one byte longer than may be."""
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    return path


def uploads(page: Page) -> list[Request]:
    """The uploads that a page begins from now on."""
    begun: list[Request] = []
    page.on("request", lambda request: "/suggest-tags" in request.url and begun.append(request))
    return begun


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        (payload("notes.txt", TEXT, "text/plain"), "unsupported_type", "not a kind of file"),
        (payload("empty.mp3", b"", "audio/mpeg"), "empty_file", "is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_be_told_at_once_is_not_sent(
    embed: Embed, page: Page, complaints: Complaints, file: dict, kind: str, words: str
) -> None:
    complaints.expect("ERR_REQUEST_RANGE_NOT_SATISFIABLE")  # of an empty file's sound
    element = embed()
    begun = uploads(page)
    element.choose(file)
    expect(element.alert).to_contain_text(words)
    expect(element.button("Try again")).to_have_count(0)
    assert [event["kind"] for event in element.told("error")] == [kind]
    assert begun == []


def test_what_is_too_large_is_not_sent(embed: Embed, page: Page, too_large: Path) -> None:
    element = embed()
    begun = uploads(page)
    element.choose(too_large)
    expect(element.alert).to_contain_text(re.compile("too large.*up to 8 MB"))
    assert [event["kind"] for event in element.told("error")] == ["too_large"]
    assert begun == []


@pytest.mark.parametrize(
    ("file", "status", "kind", "words"),
    [
        (payload("a song.mp3", TEXT), 415, "unsupported_audio", "can’t read this kind of audio"),
        (payload("damaged.flac", DAMAGED), 422, "undecodable_audio", "file is damaged"),
        (payload("short.flac", SHORT), 422, "audio_too_short", "at least 0.5 s"),
        (payload("silence.flac", SILENCE), 422, "silent_audio", "only silence"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_service_refuses_is_explained(
    embed: Embed, complaints: Complaints, file: dict, status: int, kind: str, words: str
) -> None:
    complaints.expect(f"status of {status}")
    element = embed()
    element.choose(file)
    expect(element.alert).to_contain_text(words)
    expect(element.button("Try again")).to_be_hidden()
    expect(element.button("Choose another track")).to_be_focused()
    [error] = element.told("error")
    assert error["kind"] == kind
    assert error["requestId"]


def test_a_file_is_too_large_for_the_service_alone(
    embed: Embed, page: Page, complaints: Complaints, too_large: Path
) -> None:
    def more_is_promised(route) -> None:
        limits = route.fetch()
        route.fulfill(response=limits, json={**limits.json(), "max_bytes": 10**9})

    complaints.expect("status of 413")
    page.route("**/limits", more_is_promised)
    element = embed()
    element.choose(too_large)
    expect(element.alert).to_contain_text(re.compile("too large.*up to 8 MB"))
    assert [event["kind"] for event in element.told("error")] == ["payload_too_large"]


def test_a_proxy_s_own_refusal_is_understood(
    embed: Embed, page: Page, complaints: Complaints, clip: Path
) -> None:
    complaints.expect("status of 413")
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After, X-Request-ID",
    }
    page.route(
        "**/suggest-tags*",
        lambda route: route.fulfill(status=413, headers=headers, body="<h1>Too large</h1>"),
    )
    element = embed()
    element.choose(clip)
    expect(element.alert).to_contain_text(re.compile("too large.*up to 8 MB"))


def test_after_a_refusal_another_track_is_heard(
    embed: Embed, complaints: Complaints, clip: Path
) -> None:
    complaints.expect("status of 422")
    element = embed()
    element.choose(payload("silence.flac", SILENCE))
    expect(element.alert).to_contain_text("only silence")
    element.hear(clip)
    expect(element.alert).to_have_count(0)


def test_the_words_that_were_chosen_outlive_a_refusal(embed: Embed, complaints: Complaints) -> None:
    complaints.expect("status of 422")
    element = embed()
    element.add("shoegaze")
    element.choose(payload("silence.flac", SILENCE))
    expect(element.alert).to_contain_text("only silence")
    assert element.value == ["shoegaze"]


def test_noise_is_no_reason_to_be_sure(embed: Embed) -> None:
    element = embed()
    element.hear(payload("noise.flac", encoded(noise(10))))
    expect(element.root.get_by_text("We are not sure about this one", exact=True)).to_be_visible()
    [answer] = element.told("suggested")
    assert answer["confidence"] == "low"


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (429, "rate_limited", "a lot of tracks"),
        (503, "not_ready", "still waking up"),
    ],
)
def test_whoever_has_to_wait_sees_how_long(
    embed: Embed, page: Page, complaints: Complaints, clip: Path, status: int, kind: str, words: str
) -> None:
    complaints.expect(f"status of {status}")
    refuse(page, status, kind, retry_after_s=2)
    element = embed()
    element.choose(clip)
    expect(element.alert).to_contain_text(words)
    waiting = element.button(re.compile(r"^Try again in [12] s$"))
    expect(waiting).to_have_attribute("aria-disabled", "true")
    page.unroute_all()
    begun = uploads(page)
    waiting.click(force=True)
    expect(element.button("Try again")).to_be_visible()
    assert begun == []
    element.button("Try again").click()
    expect(element.heading).to_be_visible()


def test_a_proxy_s_own_page_is_no_answer(
    embed: Embed, page: Page, complaints: Complaints, clip: Path
) -> None:
    complaints.expect("status of 502", "Refused to get unsafe header")
    allowed = {"Access-Control-Allow-Origin": "*"}
    page.route(
        "**/suggest-tags*",
        lambda route: route.fulfill(status=502, headers=allowed, body="<h1>Bad gateway</h1>"),
    )
    element = embed()
    element.choose(clip)
    expect(element.alert).to_contain_text("could not reach")
    expect(element.button("Try again")).to_be_focused()
