"""The signup page with the real networks: from a real song to the submitted tags."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from testing.server import Server
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element
from tests.browser.network import origin
from tests.support.client import answer, post


def test_an_artist_signs_up_with_the_tags_of_a_song(
    page: Page, server: Server, ambient_song: Path, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("/recommendations")  # there is no recommender
    page.goto(origin(server))
    element = Element(page)
    element.wait_until_ready()
    element.analyse(ambient_song)
    suggestions = answer(post(server, ambient_song, top_k=5, threshold=0.5))["suggestions"]
    moments = {each["tag"]: each["heard_at"] for each in suggestions}
    suggested = [each["label"] for each in suggestions]
    assert "Ambient" in suggested
    expect(element.suggestions.locator(".tag")).to_have_text(suggested)
    element.suggestion("Ambient").click()
    element.button(re.compile("^Play Ambient, found at")).click()
    expect(element.button(re.compile("^Stop Ambient, "))).to_be_visible()
    assert element.played_from_s == [pytest.approx(moments["ambient"][0]["start_s"])]
    element.button("Show how tags move through the song").click()
    expect(element.root.locator("taggram-view [part=read-out]")).to_contain_text(suggested[0])
    element.add("slow morning")
    page.get_by_label("Artist or band").fill("Nina")
    page.get_by_label("E-mail").fill("nina@example.org")
    page.get_by_role("button", name="Sign up").click()
    got = page.get_by_role("region", name="This is what your platform would get")
    expect(got.get_by_role("definition")).to_have_text(
        ["Nina", "nina@example.org", "ambient", "slow morning"]
    )
