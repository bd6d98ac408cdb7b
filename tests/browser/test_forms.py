"""The element as a part of a form: its values, its validation, its API for the host."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.element import Element, Embed
from tests.browser.feedback import feedback_with
from tests.browser.host import Host

REQUIRED = '<tag-suggest name="subgenres" max="3" threshold="0" required></tag-suggest>'
OPTIONAL = '<tag-suggest name="subgenres" max="3" threshold="0"></tag-suggest>'
TWO = """
<tag-suggest name="genre" vocabulary="genres" max="2" threshold="0"></tag-suggest>
<tag-suggest name="mood" vocabulary="moodthemes" max="4" threshold="0"></tag-suggest>
"""


@pytest.fixture
def sign_up(page: Page) -> Locator:
    """What sends the form."""
    return page.get_by_role("button", name="Sign up")


@pytest.fixture
def welcome(page: Page) -> Locator:
    """What is seen once it is sent."""
    return page.get_by_role("heading", name="Welcome")


def validity(element: Element) -> dict[str, bool]:
    """What is wrong with its value."""
    wrong: dict[str, bool] = element.root.evaluate(
        "({ validity: { valid, valueMissing, rangeOverflow } }) => "
        "({ valid, valueMissing, rangeOverflow })"
    )
    return wrong


def test_a_form_with_required_tags_is_not_submitted_without_one(
    embed: Embed, host: Host, sign_up: Locator, welcome: Locator
) -> None:
    element = embed(REQUIRED)
    sent = len(host.submitted)
    sign_up.click()
    assert validity(element)["valueMissing"]
    assert "at least one" in element.root.evaluate("element => element.validationMessage")
    expect(element.own).to_be_focused()
    element.add("shoegaze")
    assert validity(element)["valid"]
    sign_up.click()
    expect(welcome).to_be_visible()
    assert host.submitted[sent:] == [[("subgenres", "shoegaze")]]


def test_a_form_without_required_tags_is_submitted_without_one(
    embed: Embed, host: Host, sign_up: Locator, welcome: Locator
) -> None:
    embed(OPTIONAL)
    sign_up.click()
    expect(welcome).to_be_visible()
    assert host.submitted[-1] == []


def test_a_host_sets_tags_and_how_many_are_valid(embed: Embed) -> None:
    element = embed(REQUIRED)
    element.root.evaluate("element => { element.value = ['a', 'b', 'c', 'd']; }")
    assert validity(element)["rangeOverflow"]
    assert element.root.evaluate("element => element.validationMessage") == "Choose at most 3."
    element.root.evaluate("element => element.setAttribute('max', '4')")
    assert validity(element)["valid"]
    expect(element.root.get_by_text("4 of 4 chosen")).to_be_visible()
    element.root.evaluate("element => element.setAttribute('max', '3')")
    assert validity(element)["rangeOverflow"]
    element.button("Remove d").click()
    assert validity(element)["valid"]
    assert element.value == ["a", "b", "c"]


def test_a_reset_clears_the_track_and_the_tags(embed: Embed, page: Page, track: Path) -> None:
    element = embed(REQUIRED)
    element.analyse(track)
    element.suggestions.first.click()
    element.own.fill("half a wor")
    page.get_by_role("button", name="Start over").click()
    expect(element.heading).to_have_count(0)
    expect(element.root.get_by_text("Choose a track", exact=True)).to_be_visible()
    expect(element.own).to_have_value("")
    assert element.value == []
    assert validity(element)["valueMissing"]


def test_a_disabled_fieldset_accepts_and_submits_nothing(
    embed: Embed, host: Host, sign_up: Locator, welcome: Locator
) -> None:
    element = embed(f"<fieldset disabled>{REQUIRED}</fieldset>")
    element.root.evaluate("element => { element.value = ['a']; }")
    expect(element.input).to_be_disabled()
    expect(element.own).to_be_disabled()
    expect(element.button("Add")).to_be_disabled()
    expect(element.button("Remove a")).to_be_disabled()
    sign_up.click()
    expect(welcome).to_be_visible()
    assert host.submitted[-1] == []


def test_a_fieldset_that_is_enabled_again_accepts_input(
    embed: Embed, page: Page, track: Path
) -> None:
    element = embed(f"<fieldset disabled>{REQUIRED}</fieldset>")
    page.evaluate("() => { document.querySelector('fieldset').disabled = false; }")
    element.analyse(track)
    element.suggestions.first.click()
    assert len(element.value) == 1


def test_two_elements_are_independent(
    embed: Embed,
    page: Page,
    host: Host,
    feedback_file: Path,
    track: Path,
    sign_up: Locator,
    welcome: Locator,
) -> None:
    genre = embed(TWO)
    mood = Element(page, 1)
    genre.analyse(track)
    expect(mood.root.get_by_text("Choose a track", exact=True)).to_be_visible()
    mood.analyse(track)
    answers = genre.events("suggested")
    assert [answer["vocabulary"] for answer in answers] == ["genres", "moodthemes"]
    assert [len(answer["suggestions"]) for answer in answers] == [2, 4]
    genre.suggestions.first.click()
    mood.suggestions.last.click()
    mood.add("first frost")
    chosen = [("genre", genre.value[0]), *(("mood", tag) for tag in mood.value)]
    sign_up.click()
    expect(welcome).to_be_visible()
    assert host.submitted[-1] == chosen
    rows = feedback_with(feedback_file, "first frost")
    assert [(vocabulary, verdict) for vocabulary, _, _, verdict in rows] == [
        *[("moodthemes", "rejected")] * 3,
        ("moodthemes", "accepted"),
        ("moodthemes", "added"),
    ]


def test_the_tags_are_restored_after_going_back(
    embed: Embed, page: Page, sign_up: Locator, welcome: Locator
) -> None:
    element = embed(REQUIRED)
    element.add("one, two")
    sign_up.click()
    expect(welcome).to_be_visible()
    page.go_back()
    expect(element.button("Remove one")).to_be_visible()
    assert element.value == ["one", "two"]


def test_an_element_that_is_moved_keeps_its_state(embed: Embed, page: Page, track: Path) -> None:
    element = embed(OPTIONAL)
    element.add("one")
    page.evaluate(
        "() => document.querySelector('form').prepend(document.querySelector('tag-suggest'))"
    )
    assert element.value == ["one"]
    element.analyse(track)
    expect(element.suggestions).to_have_count(3)
