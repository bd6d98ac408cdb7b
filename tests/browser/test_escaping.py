"""Markup in tags, names of files and addresses stays text, on pages with and without a policy."""

import html
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element, Embed, payload
from tests.faults.conftest import MARKUP
from tests.support.client import noise_file

FIELD = (
    f'<tag-suggest name="tag" max="5" threshold="0" vocabulary="{html.escape(MARKUP)}">'
    "</tag-suggest>"
)
NAME = f"{MARKUP.replace('/', '_')}.flac"
MADE = "img, script, iframe, style, link"
TRACK = payload(NAME, noise_file(4, seed=72))


@pytest.fixture
def escaped(embed: Embed, page: Page) -> Iterator[Element]:
    """An element with markup wherever words of others are shown; in the end nothing came of it."""
    dialogs: list[str] = []

    def close(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    element = embed(FIELD)
    element.analyse(TRACK)
    yield element
    assert dialogs == []
    assert page.title() == "Signup"
    expect(element.root.locator(MADE)).to_have_count(0)


def test_a_file_s_name_and_a_suggested_tag_stay_text(escaped: Element) -> None:
    expect(escaped.root.get_by_text(NAME, exact=True)).to_be_visible()
    suggestion = escaped.suggestions.filter(has_text=MARKUP)
    expect(suggestion).to_have_count(1)
    suggestion.click()
    assert escaped.value == [MARKUP]


def test_a_completed_and_a_custom_tag_stay_text(escaped: Element) -> None:
    escaped.own.fill("<img")
    expect(escaped.completions).to_have_text([MARKUP])
    word = "<b onclick=alert(1)>bold"
    escaped.add(word)
    expect(escaped.button(f"Remove {word}")).to_be_visible()
    expect(escaped.root.locator("b")).to_have_count(0)


def test_the_taggram_view_stays_text(escaped: Element) -> None:
    escaped.button("Show how tags move through the song").click()
    view = escaped.root.locator("taggram-view")
    expect(view.get_by_role("option", name=MARKUP)).to_have_count(1)
    view.get_by_text("The same as a table").click()
    expect(view.get_by_role("rowheader", name=MARKUP)).to_be_visible()


def test_the_text_of_a_link_stays_text(
    embed: Embed, page: Page, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("/taggram?")
    element = embed(FIELD)
    words = quote(MARKUP)
    page.goto(f"{page.url}?tag-taggram={'0' * 64}&tag-vocabulary={words}&tag-pooling={words}")
    expect(element.alert).to_contain_text("no longer kept")
    assert page.title() == "Signup"
    expect(element.root.locator(MADE)).to_have_count(0)
