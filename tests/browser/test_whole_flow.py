"""From a song to a form that is sent, on a stranger's page."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from testing.server import Server
from tests.api.asking import answer, eventually, post
from tests.browser.element import Element, tags_of
from tests.browser.feedback import feedback_with
from tests.browser.host import Host
from tests.browser.network import slow_uploads

MAX = 3
FIELDS = f"""
<label>Artist <input name="artist"></label>
<tag-suggest name="subgenres" max="{MAX}" required></tag-suggest>
<label>Town <input name="town"></label>
"""
SAID = """
(element) => {
  const said = [];
  const live = element.shadowRoot.querySelector("[aria-live=polite]");
  new MutationObserver(() => said.push(live.textContent)).observe(live, { childList: true });
  globalThis.said = said;
}
"""
PROGRESS = """
(element) => {
  const bar = element.shadowRoot.querySelector("[role=progressbar]");
  globalThis.progress = [];
  new MutationObserver(() => progress.push(Number(bar.ariaValueNow))).observe(bar, {
    attributeFilter: ["aria-valuenow"],
  });
}
"""

Embed = Callable[..., Element]


@pytest.fixture(scope="module")
def suggested(service: Server, ambient_song: Path) -> dict:
    """What the service itself answers."""
    return answer(post(service, ambient_song, top_k=MAX))


@pytest.fixture
def heard(embed: Embed, suggested: dict, ambient_song: Path) -> Element:
    """An element that was given the song."""
    element = embed(FIELDS)
    element.hear(ambient_song)
    return element


@pytest.fixture
def watched(embed: Embed) -> Iterator[Element]:
    """An element whose words are written down, on a line that takes a second for a song."""
    element = embed(FIELDS)
    for script in (SAID, PROGRESS):
        element.root.evaluate(script)
    with slow_uploads(element.page, 3_000_000):
        yield element


def test_each_step_is_seen_and_said(watched: Element, ambient_song: Path) -> None:
    watched.choose(ambient_song)
    expect(watched.progress).to_have_accessible_name(f"Sending {ambient_song.name}")
    expect(watched.button("Cancel")).to_be_visible()
    expect(watched.heading).to_be_visible()
    progress = watched.page.evaluate("progress")
    assert len(set(progress)) > 2
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    said = watched.page.evaluate("said")
    assert said == [f"Sending {ambient_song.name}", "Analysing", f"{MAX} tags suggested."]


def test_suggestions_are_the_service_s(heard: Element, suggested: dict) -> None:
    expect(heard.suggestions).to_have_count(MAX)
    for shown, given in zip(heard.suggestions.all(), suggested["suggestions"], strict=True):
        expect(shown).to_have_accessible_name(
            re.compile(rf"^{given['tag']}\b.* match\b.*{given['score']:.2f}$")
        )
        expect(shown).to_have_attribute("aria-pressed", "false")
    assert heard.value == []


@pytest.mark.parametrize("method", ["post", "get"])
def test_the_form_gets_what_was_chosen_in_that_order(
    embed: Embed, host: Host, suggested: dict, ambient_song: Path, method: str
) -> None:
    element = embed(FIELDS, method)
    element.hear(ambient_song)
    first, _, third = tags_of(suggested)
    element.suggestion(third).click()
    element.add("bedroom techno")
    element.suggestion(first).click()
    expect(element.root.get_by_text(f"3 of {MAX} chosen")).to_be_visible()
    element.page.get_by_label("Artist").fill("Nina")
    element.page.get_by_role("button", name="Sign up").click()
    expect(element.page.get_by_role("heading", name="Welcome")).to_be_visible()
    subgenres = [("subgenres", tag) for tag in (third, "bedroom techno", first)]
    assert host.submitted[-1] == [("artist", "Nina"), *subgenres, ("town", "")]


def test_feedback_says_what_became_of_the_suggestions(
    heard: Element, suggested: dict, feedback_file: Path
) -> None:
    first, second, third = tags_of(suggested)
    heard.suggestion(second).click()
    heard.add("slow morning")
    heard.page.get_by_role("button", name="Sign up").click()
    assert feedback_with(feedback_file, "slow morning") == [
        ("subgenres", 1, first, "rejected"),
        ("subgenres", 2, second, "accepted"),
        ("subgenres", 3, third, "rejected"),
        ("subgenres", None, "slow morning", "added"),
    ]


def test_the_moment_that_speaks_for_a_tag_is_played(heard: Element, suggested: dict) -> None:
    tag = tags_of(suggested)[0]
    stretch = suggested["suggestions"][0]["heard_at"][0]
    heard.button(re.compile(f"^Play {tag}, .*{clock(stretch['start_s'])}–")).click()
    stop = heard.button(re.compile(f"^Stop {tag}, "))
    expect(stop).to_be_visible()
    eventually(lambda: heard.sound["currentTime"] > stretch["start_s"])
    assert heard.sound["currentTime"] < stretch["end_s"]
    heard.page.evaluate("end => { sound.currentTime = end - 0.2; }", stretch["end_s"])
    eventually(lambda: heard.sound["paused"])
    assert heard.sound["currentTime"] < suggested["duration_s"] - 1
    expect(heard.button(re.compile(f"^Play {tag}, "))).to_be_visible()


def test_playing_can_be_stopped(heard: Element, suggested: dict) -> None:
    tag = tags_of(suggested)[0]
    heard.button(re.compile(f"^Play {tag}, ")).click()
    heard.button(re.compile(f"^Stop {tag}, ")).click()
    eventually(lambda: heard.sound["paused"])


def test_a_second_choice_of_the_song_is_answered_from_the_cache(
    heard: Element, ambient_song: Path
) -> None:
    heard.choose(ambient_song)
    eventually(lambda: len(heard.told("suggested")) == 2)
    first, second = heard.told("suggested")
    assert second["cached"]
    assert first["suggestions"] == second["suggestions"]


def clock(seconds: float) -> str:
    """Minutes and seconds, as 1:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
