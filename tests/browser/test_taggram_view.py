"""How tags move through a track, in the page."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from testing.server import Server
from tests.browser.element import Element, Embed
from tests.support.client import answer, post

FIELD = '<tag-suggest name="subgenres" max="5" threshold="0"></tag-suggest>'
SHOW = "Show how tags move through the song"
ROWS = 15
ALLOWED = {"Access-Control-Allow-Origin": "*"}
PAGE = 10
"""Windows that a page key goes on by."""


class View:
    """The taggram view of an element."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self.root = element.root.locator("taggram-view")
        self.map = self.root.get_by_role("application")
        self.read_out = self.root.locator("[part=read-out]")
        self.tags = self.root.get_by_role("combobox", name="Tags")
        self.score = self.root.get_by_role("combobox", name="Score")
        self.body = self.root.locator(".body")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A button by its name."""
        return self.root.get_by_role("button", name=name)

    def switch(self, choice: Locator, value: str) -> None:
        """Choose other tags or another score, and wait until they are shown."""
        choice.select_option(value)
        expect(self.body).to_have_attribute("aria-busy", "false")

    def at(self, share: float) -> dict[str, float]:
        """A point of the waveform, at a share of the track's time, and of the map's width."""
        box = self.map.bounding_box()
        left = min(200, box["width"] * 0.3)
        return {"x": left + share * (box["width"] - left - 40), "y": 20}

    def table(self, name: str) -> list[list[str]]:
        """A table's rows, the first one with the names of its columns."""
        rows = self.root.get_by_role("region", name=name).get_by_role("row")
        expect(rows).not_to_have_count(0)
        return [row.locator("th, td").all_text_contents() for row in rows.all()]


@pytest.fixture(scope="module")
def known(service: Server, track: Path) -> dict[str, Any]:
    """What the service knows of the track."""
    return answer(post(service, track))


@pytest.fixture
def view(embed: Embed, known: dict, track: Path) -> View:
    """A view that is open, of a track that the page can play."""
    element = embed(FIELD)
    element.analyse(track)
    element.button(SHOW).click()
    view = View(element)
    expect(view.read_out).to_contain_text(":")
    return view


def taggram(service: Server, track_id: str, **query: object) -> dict[str, Any]:
    query = {"track_id": track_id, "vocabulary": "subgenres", "top": ROWS, **query}
    return answer(service.http.get("/taggram", params=query))


def test_keys_move_through_moments_and_tags_play_and_pause(
    view: View, service: Server, known: dict
) -> None:
    given = taggram(service, known["track_id"])
    view.map.focus()
    for key in ["ArrowRight", "ArrowRight", "ArrowDown"]:
        view.map.press(key)
    expect(view.read_out).to_contain_text(given["labels"][1])
    expect(view.read_out).to_contain_text(f"{given['scores'][2][1]:.2f}")
    view.map.press("End")
    expect(view.read_out).to_contain_text(f"{given['scores'][-1][1]:.2f}")
    view.map.press("Home")
    expect(view.read_out).to_contain_text(re.compile("0:00.0:02"))
    view.map.press("PageDown")
    view.map.press("Enter")
    expect(view.button(re.compile(r"^Pause, "))).to_be_visible()
    assert view.element.played_from_s == [pytest.approx(given["times_s"][PAGE])]
    view.map.press(" ")
    expect(view.button(re.compile(r"^Play, "))).to_be_visible()


def test_a_click_plays_from_the_moment_and_the_playhead_follows(view: View, known: dict) -> None:
    playhead = view.root.locator(".playhead")
    before = playhead.bounding_box()["x"]
    view.map.click(position=view.at(0.5))
    view.button(re.compile(r"^Pause, ")).click()
    expect(view.button(re.compile(r"^Play, "))).to_be_visible()
    assert view.element.played_from_s == [pytest.approx(known["duration_s"] / 2, rel=0.05)]
    assert playhead.bounding_box()["x"] > before + 100


def test_a_switch_makes_no_upload_and_the_table_holds_the_same_numbers(
    view: View, service: Server, known: dict, page: Page
) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(f"{request.method} {request.url}"))
    view.switch(view.tags, "genres")
    genres = taggram(service, known["track_id"], vocabulary="genres")
    expect(view.read_out).to_contain_text(genres["labels"][0])
    view.switch(view.score, "majority")
    assert "pooling=majority" in requested[-1]
    assert not [url for url in requested if url.startswith("POST")]

    view.switch(view.tags, "raw")
    view.switch(view.score, "softmax")
    given = taggram(service, known["track_id"], vocabulary="raw", pooling="softmax")
    view.root.get_by_text("The same as a table").click()
    names, *summary = view.table("Each tag in the whole track")
    assert names == ["Tag", "Score", "Strongest"]
    assert [row[:2] for row in summary] == [
        [tag, f"{score:.2f}"]
        for tag, score in zip(given["labels"], given["pooled_scores"], strict=True)
    ]
    names, *over_time = view.table("Each tag over time")
    assert names == ["Time", *given["labels"]]
    assert [row[1:] for row in over_time] == [
        [f"{score:.2f}" for score in scores] for scores in given["scores"]
    ]


def test_rows_show_labels_and_genres_are_marked(
    view: View, page: Page, service: Server, known: dict
) -> None:
    given = taggram(service, known["track_id"])
    first = {"tags": ["hiphop"], "labels": ["Hip-hop"], "levels": ["genre"]}
    marked = {**given, **{key: value + given[key][1:] for key, value in first.items()}}
    page.route("**/taggram?*", lambda route: route.fulfill(json=marked, headers=ALLOWED))
    view.switch(view.score, "softmax")
    expect(view.read_out).to_contain_text("Hip-hop (genre)")
    expect(view.root.get_by_text("In italics: a genre")).to_be_visible()
    view.map.press("ArrowDown")
    expect(view.read_out).to_contain_text(given["labels"][1])
    expect(view.read_out).not_to_contain_text("(genre)")


def test_the_picture_and_the_table_are_saved(view: View, known: dict, page: Page) -> None:
    with page.expect_download() as picture:
        view.button("Picture (PNG)").click()
    name = f"taggram-{known['track_id'][:12]}-subgenres"
    assert picture.value.suggested_filename == f"{name}.png"
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as table:
        view.button("Table (CSV)").click()
    assert table.value.suggested_filename == f"{name}.csv"
    rows = list(csv.reader(io.StringIO(Path(table.value.path()).read_text())))
    assert rows[0][0] == "time_s"
    assert len(rows[0]) == 1 + ROWS


def test_a_link_opens_the_view_again(view: View, page: Page, known: dict, service: Server) -> None:
    view.switch(view.tags, "genres")
    genres = taggram(service, known["track_id"], vocabulary="genres")
    expect(view.read_out).to_contain_text(genres["labels"][0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.button("Copy link").click()
    expect(view.root.get_by_role("status")).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")

    other = page.context.new_page()
    other.goto(link)
    opened = View(Element(other))
    expect(opened.read_out).to_contain_text(genres["labels"][0])
    expect(opened.tags).to_have_value("genres")
    expect(opened.root.get_by_text("Choose the file again")).to_be_visible()
    expect(opened.button(re.compile("^Play"))).to_have_count(0)


def test_a_link_to_an_expired_track_says_so(embed: Embed, page: Page, console_errors: Any) -> None:
    console_errors.expect("/taggram?")
    element = embed(FIELD)
    page.goto(f"{page.url}?subgenres-taggram={'0' * 64}")
    expect(element.alert).to_contain_text("no longer kept")


def test_the_view_has_a_legend_and_can_be_closed_and_opened(view: View) -> None:
    legend = view.root.locator("[part=legend]")
    expect(legend).to_contain_text("The brighter, the better a tag fits")
    expect(legend.locator(".marks span")).to_have_text(["0", "0.25", "1"])
    view.element.button("Hide how tags move through the song").click()
    expect(view.root).to_have_count(0)
    view.element.button(SHOW).click()
    expect(view.read_out).to_contain_text(":")
