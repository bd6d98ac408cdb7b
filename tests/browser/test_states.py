"""The page in each of its states: nothing in the way of anybody, nothing outside of the screen.

Pictures of all of them are left in `.cache/screenshots`, for people to look at.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from testing.server import Server
from tests.api.asking import encoded, noise
from tests.browser.complaints import Complaints
from tests.browser.conftest import MAX_UPLOAD_BYTES, PATIENCE_MS
from tests.browser.element import RECORDER, Element, payload
from tests.browser.network import origin, refuse, slow_uploads, standing_still

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
SCREENS = {"phone": (360, 740), "desktop": (1200, 900)}
SCHEMES = ("light", "dark")
ZOOMED = (640, 450)
"""A desktop's screen at 200 %."""

WIDTHS = "[document.scrollingElement.scrollWidth, innerWidth]"
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
    """What it takes to come to a state."""

    element: Element
    service: Server
    song: Path
    clip: Path
    stack: ExitStack
    complaints: Complaints

    @property
    def page(self) -> Page:
        """The page that the element is on."""
        return self.element.page

    def fail(self, file: object) -> None:
        """Choose a file that is refused."""
        self.complaints.expect("/suggest-tags")
        self.element.choose(file)  # type: ignore[arg-type]
        expect(self.element.alert).to_be_visible()


def empty(scene: Scene) -> None:
    expect(scene.element.root.get_by_text("up to 8 MB")).to_be_visible()


def completing(scene: Scene) -> None:
    scene.element.own.fill("o")
    scene.element.own.press("ArrowDown")


def sending(scene: Scene) -> None:
    scene.stack.enter_context(slow_uploads(scene.page, 50_000))
    scene.element.choose(scene.song)
    expect(scene.element.root.get_by_text(re.compile("left$"))).to_be_visible()


def listening(scene: Scene) -> None:
    empty(scene)  # what it asks for at first must be answered
    scene.stack.enter_context(standing_still(scene.service))
    scene.element.choose(scene.clip)
    expect(scene.element.root.get_by_text("Analysing").first).to_be_visible()


def answered(scene: Scene) -> None:
    scene.element.hear(scene.song)


def chosen(scene: Scene) -> None:
    answered(scene)
    scene.element.suggestions.nth(0).click()
    scene.element.suggestions.nth(2).click()
    scene.element.add("dubstep, bedroom techno, a word that is longer than most of those in use")


def unsure(scene: Scene) -> None:
    scene.element.hear(payload("rain.flac", encoded(noise(10, seed=91))))


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
    scene.fail(payload("silence.flac", encoded(np.zeros(48_000, np.float32))))


def too_short(scene: Scene) -> None:
    scene.fail(payload("click.flac", encoded(noise(0.1))))


def busy(scene: Scene) -> None:
    refuse(scene.page, 503, "overloaded", retry_after_s=600)
    scene.fail(scene.clip)


def unreachable(scene: Scene) -> None:
    scene.page.route("**/suggest-tags*", lambda route: route.abort("connectionrefused"))
    scene.fail(scene.clip)


def cancelled(scene: Scene) -> None:
    scene.stack.enter_context(slow_uploads(scene.page, 100_000))
    scene.element.choose(scene.clip)
    scene.element.button("Cancel").click()
    expect(scene.element.alert).to_contain_text("Cancelled")


def submitted(scene: Scene) -> None:
    chosen(scene)
    scene.page.get_by_label("Artist or band").fill("Nina and the Long Names")
    scene.page.get_by_label("E-mail").fill("nina@example.org")
    scene.page.get_by_role("button", name="Sign up").click()
    got = scene.page.get_by_role("region", name="This is what your platform would get")
    expect(got).to_contain_text("dubstep")


STATES: list[Callable[[Scene], None]] = [
    empty,
    completing,
    sending,
    listening,
    answered,
    chosen,
    unsure,
    taggram,
    table,
    refused_at_once,
    too_large,
    silent,
    too_short,
    busy,
    unreachable,
    cancelled,
    submitted,
]


@pytest.fixture
def scene(
    browser: Browser, service: Server, song: Path, clip: Path, complaints: Complaints
) -> Iterator[Scene]:
    """The service's own page, before anything happened."""
    with ExitStack() as stack:
        context = stack.enter_context(
            browser.new_context(device_scale_factor=2, reduced_motion="reduce")
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(RECORDER)
        context.on("page", complaints.follow)
        page = context.new_page()
        page.goto(f"{origin(service)}/")
        yield Scene(Element(page), service, song, clip, stack, complaints)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_each_state_is_for_everybody(scene: Scene, state: Callable[[Scene], None]) -> None:
    state(scene)
    page = scene.page
    assert page.evaluate(MOVING) == 0
    for screen, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=FOLDER / f"{state.__name__}-{screen}-{scheme}.png", full_page=True)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        assert_fits(page)
    page.set_viewport_size({"width": ZOOMED[0], "height": ZOOMED[1]})
    assert_fits(page)


def test_bars_move_only_for_those_who_do_not_mind(scene: Scene) -> None:
    listening(scene)
    scene.page.emulate_media(reduced_motion="no-preference")
    assert scene.page.evaluate(MOVING) > 0
    scene.page.emulate_media(reduced_motion="reduce")
    assert scene.page.evaluate(MOVING) == 0


def assert_fits(page: Page) -> None:
    """Nobody has to scroll sideways."""
    needed, there = page.evaluate(WIDTHS)
    assert needed <= there
