"""The page in each of its states: accessible to all, and nothing outside of the screen.

With `--screenshots` pictures of all of them are left in `.cache/screenshots`, to be looked at.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from testing.server import Server
from testing.sounds import encoded
from tests.browser.conftest import MAX_UPLOAD_BYTES
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element, Track, payload
from tests.browser.network import (
    POOLED_UPLOADS,
    UPLOADS,
    fulfill,
    held_answers,
    origin,
    refuse,
    slow_uploads,
)
from tests.browser.test_curators import ANSWER, recommend
from tests.support.client import noise_file

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
SCREENS = {"phone": (360, 740), "desktop": (1200, 900)}
ZOOMED = (640, 450)
"""A desktop's screen at 200 %."""

SCHEMES = ("dark", "light")
SILENCE = encoded(np.zeros(4 * 16_000, np.float32), 16_000, "FLAC")
SHORT = noise_file(0.1)

WIDTHS = "[document.scrollingElement.scrollWidth, innerWidth]"
STICKING_OUT = """
(host) => {
  const inside = (root) => [...root.querySelectorAll("*:not(.visually-hidden, .table *, tr *)")]
    .flatMap((node) => [node, ...(node.shadowRoot ? inside(node.shadowRoot) : [])]);
  const frame = host.shadowRoot.querySelector("fieldset").getBoundingClientRect();
  return inside(host.shadowRoot)
    .filter((node) => {
      const { left, right, width } = node.getBoundingClientRect();
      return width && (left < frame.left || right > frame.right);
    })
    .map((node) => `${node.localName}.${node.className}: ${node.textContent}`);
}
"""
"""What is wider than the element, but for tables, which can be scrolled."""
MOVING = """
() => {
  const shadows = (root) => [...root.querySelectorAll("*")].map((node) => node.shadowRoot);
  const all = (root) => [root, ...shadows(root).filter(Boolean).flatMap(all)];
  const animations = all(document).flatMap((root) => root.getAnimations());
  return animations.filter(({ playState }) => playState === "running").length;
}
"""


@dataclass(frozen=True)
class Scene:
    """What it takes to come to a state.

    Attributes:
        element: The element of the service's own page.
        track: A track that the service takes.
        stack: Ends with the test.
        complaints: Those of the page.
    """

    element: Element
    track: Path
    stack: ExitStack
    console_errors: ConsoleErrors

    @property
    def page(self) -> Page:
        """The page that the element is on."""
        return self.element.page

    def fail(self, file: Track) -> None:
        """Choose a file that is refused."""
        self.console_errors.expect("/suggest-tags")
        self.element.choose(file)
        expect(self.element.alert).to_be_visible()


def empty(scene: Scene) -> None:
    """The page is so when it is opened."""


def completing(scene: Scene) -> None:
    scene.element.own.fill("o")
    scene.element.own.press("ArrowDown")


def sending(scene: Scene) -> None:
    scene.stack.enter_context(slow_uploads(scene.page))
    scene.element.choose(scene.track)
    expect(scene.element.root.get_by_text(re.compile("left$"))).to_be_visible()


def analysing(scene: Scene) -> None:
    scene.stack.enter_context(held_answers(scene.page))
    scene.element.choose(scene.track)
    expect(scene.element.button("Cancel")).to_be_visible()
    expect(scene.element.progress).to_be_hidden()


def answered(scene: Scene) -> None:
    scene.element.analyse(scene.track)


def chosen(scene: Scene) -> None:
    answered(scene)
    scene.element.suggestions.nth(0).click()
    scene.element.suggestions.nth(2).click()
    scene.element.add("dubstep, bedroom techno, a word that is longer than most of those in use")


def unsure(scene: Scene) -> None:
    again(scene, confidence="low")
    expect(
        scene.element.root.get_by_text("We are not sure about this one", exact=True)
    ).to_be_visible()


def wordy(scene: Scene) -> None:
    """The longest label in French, and a genre."""
    moments = [{"start_s": 12.0, "end_s": 754.0, "score": 0.9}]
    tags = [("singersongwriter", "tag", 0.71), ("classical", "genre", 0.6), ("ambient", "tag", 0.5)]
    suggestions = [
        {"tag": tag, "label": tag, "level": level, "score": score, "heard_at": moments}
        for tag, level, score in tags
    ]
    again(scene, confidence="high", suggestions=suggestions)
    expect(scene.element.suggestion("Singer-songwriter")).to_be_visible()


def nothing(scene: Scene) -> None:
    again(scene, confidence="high", suggestions=[])
    expect(scene.element.root.get_by_text("No tag fits well enough").first).to_be_visible()


def again(scene: Scene, **other: object) -> None:
    """Get another answer for the track."""
    answered(scene)
    [given] = scene.element.events("suggested")
    fulfill(scene.page, json={**given, **other})
    scene.element.choose(scene.track)


def taggram(scene: Scene) -> None:
    answered(scene)
    scene.element.button("Show how tags move through the song").click()
    heat_map = scene.element.root.get_by_role("application")
    expect(scene.element.root.locator("taggram-view [part=read-out]")).to_contain_text(":")
    heat_map.focus()
    for _ in range(9):
        heat_map.press("ArrowRight")


def table(scene: Scene) -> None:
    taggram(scene)
    scene.element.root.get_by_text("The same as a table").click()
    expect(scene.element.root.get_by_role("row").first).to_be_visible()


def refused_at_once(scene: Scene) -> None:
    name = "notes about a very long song whose name does not end before the edge of the screen.txt"
    scene.fail(payload(name, b"no song", "text/plain"))


def too_large(scene: Scene) -> None:
    scene.fail(payload("live at the harbour.wav", bytes(MAX_UPLOAD_BYTES + 1)))


def silent(scene: Scene) -> None:
    refuse(scene.page, 422, "silent_audio")
    scene.fail(scene.track)


def too_short(scene: Scene) -> None:
    refuse(scene.page, 422, "audio_too_short", min_duration_s=0.5)
    scene.fail(scene.track)


def busy(scene: Scene) -> None:
    refuse(scene.page, 503, "overloaded", retry_after_s=600)
    scene.fail(scene.track)


def unreachable(scene: Scene) -> None:
    scene.page.route(UPLOADS, lambda route: route.abort("connectionrefused"))
    scene.fail(scene.track)


def cancelled(scene: Scene) -> None:
    scene.page.route(UPLOADS, lambda route: None)  # it never arrives
    scene.element.choose(scene.track)
    scene.element.button("Cancel").click()
    expect(scene.element.alert).to_contain_text("Cancelled")


def several(scene: Scene) -> None:
    scene.page.locator("tag-suggest").evaluate("element => element.toggleAttribute('multiple')")
    expect(scene.element.root.locator("#formats")).to_contain_text("up to 10 tracks")


def listed(scene: Scene) -> None:
    several(scene)
    names = [
        "a demo.flac",
        "the long version of a song that we played at the harbour.flac",
    ]
    tracks = [payload(name, noise_file(4, seed=91 + index)) for index, name in enumerate(names)]
    notes = payload("notes.txt", b"no song", "text/plain")
    more = [payload(f"{number}.flac", SILENCE) for number in range(8)]
    scene.element.list_tracks(*tracks, notes, *more)
    expect(scene.element.tracks).to_have_count(10)


def sending_several(scene: Scene) -> None:
    listed(scene)
    scene.stack.enter_context(held_answers(scene.page, POOLED_UPLOADS))
    scene.element.button("Analyse 9 tracks").click()
    expect(scene.element.root.get_by_text("Analysing", exact=True).first).to_be_visible()


def pooled(scene: Scene) -> None:
    listed(scene)
    scene.element.analyse_listed()
    scene.element.suggestions.first.click()


def unreadable(scene: Scene) -> None:
    several(scene)
    scene.console_errors.expect("/suggest-tags")
    scene.element.list_tracks(payload("mute.flac", SILENCE), payload("too short.flac", SHORT))
    scene.element.button("Analyse 2 tracks").click()
    expect(scene.element.alert).to_contain_text("None of these tracks")


def submitted(scene: Scene) -> None:
    scene.console_errors.expect("/recommendations")  # there is no recommender
    chosen(scene)
    scene.page.get_by_label("Artist or band").fill("Nina and the Long Names")
    scene.page.get_by_label("E-mail").fill("nina@example.org")
    scene.page.get_by_role("button", name="Sign up").click()
    got = scene.page.get_by_role("region", name="This is what your platform would get")
    expect(got).to_contain_text("dubstep")


def recommended(scene: Scene) -> None:
    recommend(scene.page, ANSWER)
    submitted(scene)
    curators = scene.page.get_by_role("region", name="Curators who might like this")
    expect(curators.get_by_role("listitem")).to_have_count(2)


STATES: list[Callable[[Scene], None]] = [
    empty,
    completing,
    sending,
    analysing,
    answered,
    chosen,
    unsure,
    wordy,
    nothing,
    taggram,
    table,
    refused_at_once,
    too_large,
    silent,
    too_short,
    busy,
    unreachable,
    cancelled,
    several,
    listed,
    sending_several,
    pooled,
    unreadable,
    submitted,
    recommended,
]

VARIATIONS = {
    answered,
    unsure,
    taggram,
    too_large,
    silent,
    too_short,
    unreachable,
    cancelled,
    several,
}
"""States that are laid out as another one: left to the thorough run."""


@pytest.fixture
def scene(
    page: Page, service: Server, track: Path, console_errors: ConsoleErrors
) -> Iterator[Scene]:
    """The service's own page, before anything happened."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(origin(service))
    page.locator("tag-suggest").evaluate("element => element.setAttribute('threshold', '0')")
    element = Element(page)
    element.wait_until_ready()
    with ExitStack() as stack:
        yield Scene(element, track, stack, console_errors)


def in_turns() -> Iterator[object]:
    """Each state on each screen in each scheme; by default one of the four, another for the next.

    Of `VARIATIONS` none by default.

    Yields:
        The parameters of a test.
    """
    variants = list(product(SCREENS, SCHEMES))
    for number, state in enumerate(STATES):
        for place, (screen, scheme) in enumerate(variants):
            is_left = state in VARIATIONS or place != number % len(variants)
            yield pytest.param(
                state,
                screen,
                scheme,
                id=f"{state.__name__}-{screen}-{scheme}",
                marks=pytest.mark.thorough if is_left else (),
            )


@pytest.mark.parametrize(("state", "screen", "scheme"), in_turns())
def test_each_state_is_accessible_and_fits(
    scene: Scene,
    state: Callable[[Scene], None],
    screen: str,
    scheme: Literal["dark", "light"],
    pytestconfig: pytest.Config,
) -> None:
    state(scene)
    show(scene.page, SCREENS[screen])
    scene.page.emulate_media(color_scheme=scheme)
    keep_picture(scene.page, f"{state.__name__}-{screen}-{scheme}", pytestconfig)
    found = Axe().run(scene.page)
    assert found.violations_count == 0, found.generate_report()
    show(scene.page, ZOOMED)
    assert scene.page.evaluate(MOVING) == 0
    speak_french(scene)
    show(scene.page, SCREENS[screen])
    keep_picture(scene.page, f"{state.__name__}-{screen}-{scheme}-fr", pytestconfig)


def speak_french(scene: Scene) -> None:
    """Change the page's language, and wait for the element to follow."""
    scene.page.evaluate("document.documentElement.lang = 'fr'")
    expect(scene.element.root.locator("fieldset")).to_have_attribute("lang", "fr")


def keep_picture(page: Page, name: str, pytestconfig: pytest.Config) -> None:
    """Save a picture of the page if pictures are requested."""
    if pytestconfig.getoption("screenshots"):
        page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


def show(page: Page, screen: tuple[int, int]) -> None:
    """Bring the page onto a screen; nothing may stick out of it, or out of the element."""
    page.set_viewport_size({"width": screen[0], "height": screen[1]})
    needed, there = page.evaluate(WIDTHS)
    assert needed <= there
    assert page.locator("tag-suggest").evaluate(STICKING_OUT) == []


def test_bars_move_unless_reduced_motion_is_preferred(scene: Scene) -> None:
    analysing(scene)
    scene.page.emulate_media(reduced_motion="no-preference")
    assert scene.page.evaluate(MOVING) > 0
    scene.page.emulate_media(reduced_motion="reduce")
    assert scene.page.evaluate(MOVING) == 0
