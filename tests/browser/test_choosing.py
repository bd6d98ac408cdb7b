"""Dropped files, keyboard control, custom tags."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from testing.server import Server
from tests.browser.element import Embed, payload
from tests.browser.host import Host
from tests.support.client import noise_file

MOST_STEPS = 60
IS_FOCUSED = "element => element.getRootNode().activeElement === element"
MAY_BE_AUDIO = {
    "01. Intro": "",
    "Vol. 2 (Remix)": "",
    "No.5": "",
    "song.final": "",
    "my song": "application/octet-stream",
    "song.flac": "text/plain",
    "song.unknown": "audio/x-unknown",
    "recording": "video/webm",
}
"""File names, and their media type in a browser."""

OTHER_TRACK = payload("another.flac", noise_file(4, seed=71))


def drop(target: Locator, *files: Path) -> None:
    """Let go of files over an element, as an artist's file manager does."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    session = target.page.context.new_cdp_session(target.page)
    for event in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": event, **point, "data": data})
    session.detach()


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Go on by keyboard until an element has the focus."""
    for _ in range(MOST_STEPS):
        if target.evaluate(IS_FOCUSED):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{MOST_STEPS} times {key} did not bring the focus to {target}")


def test_tracks_can_be_dropped_and_nothing_else(embed: Embed, track: Path, tmp_path: Path) -> None:
    element = embed()
    zone = element.root.get_by_text("or drop it here")
    drop(zone)
    expect(element.input).to_be_visible()
    expect(element.alert).to_have_count(0)
    drop(zone, track)
    expect(element.heading).to_be_visible()
    expect(element.root.get_by_text(track.name, exact=True)).to_be_visible()
    another = tmp_path / "another.flac"
    another.write_bytes(OTHER_TRACK["buffer"])
    drop(element.heading, another)
    expect(element.root.get_by_text(another.name, exact=True)).to_be_visible()
    expect(element.heading).to_be_visible()


def test_a_file_that_may_be_audio_is_judged_by_its_bytes(embed: Embed) -> None:
    data, element = noise_file(4, seed=72), embed()
    for name, media_type in MAY_BE_AUDIO.items():
        element.analyse(payload(name, data, media_type))
        expect(element.root.get_by_text(name, exact=True)).to_be_visible()


def test_the_file_dialog_offers_what_the_service_reads(embed: Embed, service: Server) -> None:
    accept = embed().input.get_attribute("accept")
    formats = service.http.get("/limits").json()["formats"]
    extensions = [each for format_ in formats for each in format_["extensions"]]
    assert accept.split(",") == ["audio/*", *extensions]  # iOS greys out files for the first alone


def test_a_form_is_filled_and_sent_by_keyboard_alone(
    embed: Embed, host: Host, page: Page, track: Path
) -> None:
    element = embed()
    tab_to(page, element.input)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(track)
    expect(element.heading).to_be_focused()
    first = element.suggestions.first
    tab_to(page, first)
    page.keyboard.press("Space")
    expect(first).to_have_attribute("aria-pressed", "true")
    tab_to(page, element.own)
    page.keyboard.type("dubst")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("a word of mine")
    page.keyboard.press("Enter")
    tab_to(page, element.button("Remove Dubstep"), "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Sign up"))
    chosen = element.value
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert len(chosen) == 2
    assert chosen[1] == "a word of mine"
    assert host.submitted[-1] == [("subgenres", tag) for tag in chosen]


def test_the_focus_stays_in_the_element(embed: Embed, page: Page, track: Path) -> None:
    element = embed()
    element.analyse(OTHER_TRACK)
    tab_to(page, element.button("Choose another track"), "Shift+Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(track)
    expect(element.root.get_by_text(track.name, exact=True)).to_be_visible()
    expect(element.heading).to_be_focused()
    assert page.evaluate("document.activeElement.localName") == "tag-suggest"


def test_input_is_completed_from_the_vocabulary_until_escape(embed: Embed) -> None:
    element = embed()
    dubstep = element.completions.filter(has_text="Dubstep")
    for typed in ("DUB", "dub", " Dub"):
        element.own.fill("")
        expect(dubstep).to_have_count(0)
        element.own.fill(typed)
        expect(dubstep).to_be_visible()
    expect(element.own).to_have_attribute("aria-expanded", "true")
    element.own.press("Escape")
    expect(element.completions).to_have_count(0)
    expect(element.own).to_have_value(" Dub")
    element.own.fill("dub")
    dubstep.click()
    expect(element.button("Remove Dubstep")).to_be_visible()
    expect(element.own).to_have_value("")
    expect(element.own).to_be_focused()
    assert element.value == ["dubstep"]


def test_labels_are_completed_and_names_are_submitted(embed: Embed) -> None:
    element = embed()
    completed = {"hip ho": "Hip-hop", "SOUL": "Soul / R&B", "électronic": "Electronic"}
    for typed, label in completed.items():
        element.own.fill(typed)
        element.completions.get_by_text(label, exact=True).click()
        expect(element.button(f"Remove {label}")).to_be_visible()
    assert element.value == ["hiphop", "soulrnb", "electronic"]


def test_a_typed_label_in_any_spelling_selects_its_tag_and_other_input_is_kept(
    embed: Embed,
) -> None:
    element = embed()
    element.add("hip hop, Hip-Hop from the Loire")
    element.add("DubStep")
    element.add("dubstep")
    assert element.value == ["hiphop", "Hip-Hop from the Loire", "dubstep"]


def test_enter_adds_tags_and_does_not_submit_the_form(embed: Embed, host: Host) -> None:
    element = embed()
    sent = len(host.submitted)
    element.add("dub techno, shoegaze")
    assert element.value == ["dub techno", "shoegaze"]
    assert len(host.submitted) == sent


def test_no_more_than_max_can_be_chosen(embed: Embed, track: Path) -> None:
    element = embed()
    element.analyse(track)
    for word in ("one", "two", "three"):
        element.add(word)
    expect(element.root.get_by_text("3 of 3 chosen")).to_be_visible()
    for suggestion in element.suggestions.all():
        expect(suggestion).to_have_attribute("aria-disabled", "true")
    element.suggestions.first.click(force=True)
    expect(element.root.get_by_text("more than 3").first).to_be_visible()
    assert element.value == ["one", "two", "three"]
    element.button("Remove two").click()
    element.suggestions.first.click()
    assert len(element.value) == 3


def test_the_page_gets_an_event_for_each_change(embed: Embed) -> None:
    element = embed()
    element.add("one")
    element.add("two")
    element.button("Remove one").click()
    tags = [event["tags"] for event in element.events("changed")]
    assert tags == [["one"], ["one", "two"], ["two"]]
