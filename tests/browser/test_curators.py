"""The second step of the demo page: curators who might like the artist's tracks."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.model_catalog import read_catalog
from app.recommender.simulation.demo import CURATORS, NAME, publish_demo
from app.settings import Settings
from app.store.storage.store import Store
from testing.server import STUB, Server, serving
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element
from tests.browser.network import origin

RECOMMENDATIONS = "**/recommendations"
ANSWER = {
    "recommendation_id": "6d1f6a1e-3f0b-4c1f-9a57-0c6f2f1f7a10",
    "recommender": {"name": "demo-curators", "version": "1"},
    "model": "linear-tags",
    "tag_models": [{"name": "msd-musicnn", "version": "1"}],
    "vocabularies": [{"name": "subgenres", "version": "1"}],
    "cold": True,
    "tracks_used": 1,
    "unknown_tracks": [],
    "curators": [
        {
            "curator_id": "Radio <b>Half Past</b> Nine",
            "position": 1,
            "score": 0.6123,
            "propensity": 1.0,
            "reasons": {
                "subgenres": ["techno", "ambient"],
                "tags": [{"tag": "ambient", "artist": 0.71, "curator": 0.64}],
                "tracks": [
                    {"external_id": "Slow Harbour", "track_id": None, "similarity": 0.93},
                    {"external_id": "Tin Roof", "track_id": None, "similarity": 0.5},
                ],
            },
        },
        {
            "curator_id": "The Long Way Round",
            "position": 2,
            "score": 1.2,
            "propensity": 1.0,
            "reasons": {"subgenres": [], "tags": [], "tracks": []},
        },
    ],
}
"""Of `POST /recommendations`, in the place of a recommender."""


@pytest.fixture
def curators(page: Page) -> Locator:
    """The second step."""
    return page.get_by_role("region", name="Curators who might like this")


@pytest.fixture
def recommending(tmp_path: Path, store: Path) -> Iterator[Server]:
    """A service with made-up curators."""
    shutil.copytree(store, tmp_path / "store")
    publish_demo(Store(tmp_path / "store"), read_catalog(Settings(_env_file=None)))
    settings = {"TAGGRAM_MODEL_STORE": str(tmp_path / "store"), "TAGGRAM_RECOMMENDER": NAME}
    with serving(tmp_path / "log", settings, STUB) as server:
        yield server


@pytest.fixture
def element(page: Page, service: Server) -> Element:
    """The element of the demo page."""
    return open_page(page, service)


def open_page(page: Page, server: Server) -> Element:
    """Open a service's own page."""
    page.goto(origin(server))
    page.locator("tag-suggest").evaluate("element => element.setAttribute('threshold', '0')")
    element = Element(page)
    element.wait_until_ready()
    return element


def sign_up(page: Page) -> None:
    """Send the form; the demo page shows what it would send."""
    page.get_by_label("Artist or band").fill("Nina")
    page.get_by_label("E-mail").fill("nina@example.org")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("region", name="This is what your platform would get")).to_be_visible()


def recommend(page: Page, answer: object, status: int = 200) -> list[dict[str, Any]]:
    """Answer in a recommender's place; return the bodies of the requests so far."""
    asked: list[dict[str, Any]] = []

    def fulfill(route: Route) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(status=status, json=answer)

    page.route(RECOMMENDATIONS, fulfill)
    return asked


def test_curators_are_shown_with_their_reasons(
    element: Element, page: Page, curators: Locator, track: Path
) -> None:
    asked = recommend(page, ANSWER)
    element.analyse(track)
    element.add("Techno, harbour songs")
    expect(curators).to_be_hidden()
    sign_up(page)
    expect(curators.get_by_role("heading", level=3)).to_have_text(
        ["Radio <b>Half Past</b> Nine", "The Long Way Round"]
    )
    [answer] = element.events("suggested")
    artist = {"subgenres": ["techno"], "track_ids": [answer["track_id"]]}
    assert asked == [{"artist": artist, "k": 5}]
    first, second = curators.get_by_role("listitem").all()
    expect(first).to_contain_text("match 0.61")
    expect(first).to_contain_text("Likes Techno and Ambient, which you chose.")
    expect(first.get_by_role("row", name="Ambient 0.71 0.64")).to_be_visible()
    expect(first).to_contain_text("most like yours: Slow Harbour (0.93) and Tin Roof (0.50)")
    expect(second).to_have_text("The Long Way Roundmatch 1.20")
    expect(curators).to_contain_text("By content only: your track and your tags")
    expect(curators).to_contain_text("made up")
    expect(page.get_by_role("status").filter(has_text="2 curators found")).to_have_count(1)
    page.get_by_role("button", name="Start over").click()
    expect(curators).to_be_hidden()


def test_the_made_up_curators_are_recommended(
    page: Page, recommending: Server, curators: Locator, track: Path
) -> None:
    element = open_page(page, recommending)
    page.locator("tag-suggest").evaluate("element => element.toggleAttribute('multiple')")
    element.list_tracks(track)
    element.analyse_listed()
    element.add("Metal")
    sign_up(page)
    expect(curators.get_by_role("listitem")).to_have_count(5)
    assert set(curators.get_by_role("heading", level=3).all_text_contents()) <= set(CURATORS)
    expect(curators).to_contain_text("By content only: your track and your tags")
    expect(curators).to_contain_text("Likes Metal")
    expect(curators.get_by_role("table")).to_have_count(5)
    expect(curators).to_contain_text("These curators and their tracks are made up.")


def test_without_a_recommender_there_is_no_second_step(
    element: Element, page: Page, curators: Locator, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("status of 404")
    element.add("ambient")
    with page.expect_response(RECOMMENDATIONS) as response:
        sign_up(page)
    assert response.value.json()["type"] == "/problems/no_recommender"
    response.value.finished()
    expect(curators).to_be_hidden()
    assert page.get_by_role("status").all_text_contents() == [""]


def test_a_failed_recommendation_says_so(
    element: Element, page: Page, curators: Locator, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("status of 503")
    recommend(page, {"type": "/problems/overloaded", "detail": "Busy."}, 503)
    element.add("ambient")
    sign_up(page)
    expect(curators).to_contain_text("could not be loaded")
    page.unroute(RECOMMENDATIONS)
    recommend(page, {**ANSWER, "cold": False})
    page.get_by_role("button", name="Sign up").click()
    expect(curators.get_by_role("listitem")).to_have_count(2)
    expect(curators).to_contain_text("what curators answered before")
    expect(curators).not_to_contain_text("By content only")
