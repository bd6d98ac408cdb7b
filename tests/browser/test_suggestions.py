"""From a track to a form that is sent, on a stranger's page."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from testing.server import Server
from tests.browser.element import Element, Embed, labels_of, tags_of
from tests.browser.feedback import feedback_with
from tests.browser.host import Host
from tests.browser.network import UPLOADS, fulfill, slow_uploads
from tests.support.client import answer, post

MAX = 3
FIELDS = f"""
<label>Artist <input name="artist"></label>
<tag-suggest name="subgenres" max="{MAX}" threshold="0" required></tag-suggest>
<label>Town <input name="town"></label>
"""
WATCH = """
(element) => {
  const watch = (selector, options, note) => {
    const target = element.shadowRoot.querySelector(selector);
    new MutationObserver(() => note(target)).observe(target, options);
  };
  globalThis.announced = [];
  globalThis.progress = [];
  watch("[aria-live=polite]", { childList: true }, (live) => announced.push(live.textContent));
  watch("[role=progressbar]", { attributeFilter: ["aria-valuenow"] }, (bar) => {
    progress.push(Number(bar.ariaValueNow));
  });
}
"""
"""Notes all that is announced, and each step of the progress bar."""


@pytest.fixture(scope="module")
def suggested(service: Server, track: Path) -> dict:
    """What the service itself answers."""
    return answer(post(service, track, top_k=MAX))


@pytest.fixture
def answered(embed: Embed, suggested: dict, track: Path) -> Element:
    """An element that was given the track."""
    element = embed(FIELDS)
    element.analyse(track)
    return element


def test_each_step_is_shown_and_announced(embed: Embed, track: Path) -> None:
    element = embed(FIELDS)
    element.root.evaluate(WATCH)
    with slow_uploads(element.page):
        element.choose(track)
        expect(element.progress).to_have_accessible_name(f"Sending {track.name}")
        expect(element.progress).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]"))
        expect(element.button("Cancel")).to_be_visible()
    expect(element.heading).to_be_visible()
    progress = element.page.evaluate("progress")
    assert len(set(progress)) > 2
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    announced = element.page.evaluate("announced")
    assert announced[0] == f"Sending {track.name}"
    assert announced[-1] == f"{MAX} tags suggested."


def test_the_suggestions_of_the_service_are_shown(answered: Element, suggested: dict) -> None:
    expect(answered.suggestions).to_have_count(MAX)
    for shown, given in zip(answered.suggestions.all(), suggested["suggestions"], strict=True):
        expect(shown).to_have_accessible_name(
            re.compile(rf"^{given['label']}\b.*{given['score']:.2f}$")
        )
        expect(shown).to_have_attribute("aria-pressed", "false")
    assert answered.value == []


def test_a_score_is_shown_in_words_and_as_a_number(
    embed: Embed, suggested: dict, track: Path
) -> None:
    words_of = {0.71: "strong match", 0.61: "good match", 0.5: "fair match", 0.49: "faint match"}
    labels = dict(zip(words_of, ["Dub", "House", "Techno", "Trance"], strict=True))
    suggestions = [
        {"tag": label.lower(), "label": label, "level": "tag", "score": score, "heard_at": []}
        for score, label in labels.items()
    ]
    element = embed(f'<tag-suggest name="subgenres" max="{len(labels)}"></tag-suggest>')
    fulfill(element.page, json={**suggested, "confidence": "high", "suggestions": suggestions})
    element.analyse(track)
    for score, label in labels.items():
        expect(element.suggestion(label)).to_have_accessible_name(
            f"{label} {words_of[score]} {score:.2f}"
        )


def test_a_suggested_genre_is_marked(embed: Embed, suggested: dict, track: Path) -> None:
    element = embed()
    genre = {**suggested["suggestions"][0], "tag": "hiphop", "label": "Hip-hop", "level": "genre"}
    fulfill(element.page, json={**suggested, "suggestions": [genre]})
    element.analyse(track)
    expect(element.suggestions).to_have_count(1)
    expect(element.suggestions).to_contain_text("Hip-hop; we can’t tell the subgenre")
    element.suggestions.click()
    assert element.value == ["hiphop"]


def test_only_suggestions_above_a_threshold_are_requested(
    embed: Embed, page: Page, track: Path
) -> None:
    embed('<tag-suggest></tag-suggest><tag-suggest threshold="0.2"></tag-suggest>')
    for index, threshold in enumerate((0.5, 0.2)):
        element = Element(page, index)
        element.wait_until_ready()
        with page.expect_request(UPLOADS) as upload:
            element.analyse(track)
        query = parse_qs(urlsplit(upload.value.url).query)
        assert query["threshold"] == [str(threshold)]
        answered = element.events("suggested")[index]
        assert all(suggestion["score"] >= threshold for suggestion in answered["suggestions"])


def test_without_suggestions_custom_tags_are_offered(
    embed: Embed, suggested: dict, track: Path
) -> None:
    element = embed()
    element.root.evaluate(WATCH)
    said = {"high": "No tag fits well enough to be suggested", "low": "We are not sure about this"}
    for confidence, words in said.items():
        fulfill(element.page, json={**suggested, "confidence": confidence, "suggestions": []})
        element.analyse(track)
        expect(element.root.get_by_text(words).first).to_be_visible()
        expect(element.root.get_by_text("Add your own words below")).to_be_visible()
        expect(element.root.locator(".suggestions")).to_be_hidden()
        assert words in element.page.evaluate("announced")[-1]
    element.add("slow morning")
    assert element.value == ["slow morning"]


@pytest.mark.parametrize("method", ["post", "get"])
def test_the_form_gets_the_chosen_tags_in_their_order(
    embed: Embed, host: Host, suggested: dict, track: Path, method: str
) -> None:
    element = embed(FIELDS, method)
    element.analyse(track)
    first, _, third = tags_of(suggested)
    labels = labels_of(suggested)
    element.suggestion(labels[2]).click()
    element.add("bedroom techno")
    element.suggestion(labels[0]).click()
    expect(element.root.get_by_text(f"3 of {MAX} chosen")).to_be_visible()
    element.page.get_by_label("Artist").fill("Nina")
    element.page.get_by_role("button", name="Sign up").click()
    expect(element.page.get_by_role("heading", name="Welcome")).to_be_visible()
    subgenres = [("subgenres", tag) for tag in (third, "bedroom techno", first)]
    assert host.submitted[-1] == [("artist", "Nina"), *subgenres, ("town", "")]


def test_feedback_reports_the_choice_for_each_suggestion(
    answered: Element, suggested: dict, feedback_file: Path
) -> None:
    first, second, third = tags_of(suggested)
    answered.suggestion(labels_of(suggested)[1]).click()
    answered.add("slow morning")
    answered.page.get_by_role("button", name="Sign up").click()
    # Chromium may never close a page that is on its way to another one.
    expect(answered.page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert feedback_with(feedback_file, "slow morning") == [
        ("subgenres", 1, first, "rejected"),
        ("subgenres", 2, second, "accepted"),
        ("subgenres", 3, third, "rejected"),
        ("subgenres", None, "slow morning", "added"),
    ]


def test_only_the_moment_of_a_tag_is_played(embed: Embed, suggested: dict, track: Path) -> None:
    element = embed()
    moment = {"start_s": 12.0, "end_s": 24.0, "score": 0.9}
    dub = {"tag": "dub", "label": "Dub", "level": "tag", "score": 0.9, "heard_at": [moment]}
    fulfill(element.page, json={**suggested, "suggestions": [dub]})
    element.analyse(track)
    play = element.button("Play Dub, found at 0:12–0:24")
    play.click()
    expect(element.button(re.compile("^Stop Dub, "))).to_be_visible()
    assert element.played_from_s == [12]
    element.page.evaluate("sound.currentTime = 24")
    expect(play).to_be_visible()
    assert element.page.evaluate("sound.paused && !sound.ended")


def test_playback_can_be_stopped(answered: Element, suggested: dict) -> None:
    tag = labels_of(suggested)[0]
    answered.button(re.compile(f"^Play {tag}, ")).click()
    answered.button(re.compile(f"^Stop {tag}, ")).click()
    expect(answered.button(re.compile(f"^Play {tag}, "))).to_be_visible()
    assert answered.page.evaluate("sound.paused")


def test_a_track_chosen_again_is_answered_from_the_cache(answered: Element, track: Path) -> None:
    answered.analyse(track)
    first, second = answered.events("suggested")
    assert second["cached"]
    assert first["suggestions"] == second["suggestions"]
