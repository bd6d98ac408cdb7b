"""`<tag-suggest>` as artists find it: by roles and names."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, expect

Track = Path | FilePayload

RECORDER = """
globalThis.recorded = [];
for (const name of ["suggested", "changed", "error"]) {
  document.addEventListener(`tag-suggest:${name}`, ({ detail }) => {
    recorded.push({ name, detail });
    console.debug(name);
  });
}
globalThis.playedFrom = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  globalThis.sound = this;
  playedFrom.push(this.currentTime);
  this.playbackRate = 1 / 16;
  return play.call(this);
};
"""
"""Runs before a page does. It records the element's events and the positions of playback, and slows
playback down: a busy machine may need seconds to observe it."""


class Element:
    """One element of a page."""

    def __init__(self, page: Page, index: int = 0) -> None:
        self.page = page
        self.root = page.locator("tag-suggest").nth(index)
        self.input = self.root.get_by_label("Choose a track")
        self.heading = self.root.get_by_role("heading", name="Suggested tags")
        self.alert = self.root.get_by_role("alert")
        self.progress = self.root.get_by_role("progressbar")
        self.own = self.root.get_by_role("combobox", name="Add your own")
        self.completions = self.root.get_by_role("option")
        self.suggestions = self.root.locator("button[aria-pressed]")
        self.tracks = self.root.locator("[part=tracks]").get_by_role("listitem")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A button with this whole name, or a matching one."""
        return self.root.get_by_role("button", name=name, exact=True)

    def suggestion(self, label: str) -> Locator:
        """The button of a suggested tag."""
        return self.root.get_by_role("button", name=re.compile(rf"^{re.escape(label)}\b")).and_(
            self.suggestions
        )

    def wait_until_ready(self) -> None:
        """Wait until it has loaded the limits and the vocabulary."""
        expect(self.root.locator("#formats")).to_contain_text(re.compile("[0-9]"))

    def choose(self, track: Track) -> None:
        """Choose a file as an artist does: a first one, or instead of another."""
        first = self.root.get_by_text("Choose a track", exact=True)
        another = self.button("Choose another track")
        with self.page.expect_file_chooser() as chooser:
            first.or_(another).filter(visible=True).click()
        chooser.value.set_files(track)

    def analyse(self, track: Track) -> None:
        """Choose a file, and wait for its suggestions."""
        with self.page.expect_console_message(lambda message: message.text == "suggested"):
            self.choose(track)

    def list_tracks(self, *tracks: Track) -> None:
        """Choose files of several tracks, or add them to those that are listed."""
        first = self.root.get_by_text("Choose tracks", exact=True)
        more = self.button("Add tracks")
        with self.page.expect_file_chooser() as chooser:
            first.or_(more).filter(visible=True).click()
        assert chooser.value.is_multiple()
        chooser.value.set_files(list(tracks))

    def analyse_listed(self) -> None:
        """Analyse the listed tracks, and wait for the suggestions."""
        with self.page.expect_console_message(lambda message: message.text == "suggested"):
            self.button(re.compile(r"^Analyse \d+ tracks?$")).click()

    def add(self, words: str) -> None:
        """Add custom tags."""
        self.own.fill(words)
        self.own.press("Enter")

    @property
    def value(self) -> list[str]:
        """What the form would get."""
        value: list[str] = self.root.evaluate("element => element.value")
        return value

    @property
    def played_from_s(self) -> list[float]:
        """Return the positions from which sound was played so far."""
        return self.page.evaluate("playedFrom")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The details of all events of a name so far."""
        events: list[dict[str, Any]] = self.page.evaluate("recorded")
        return [event["detail"] for event in events if event["name"] == name]


Embed = Callable[..., Element]


def payload(name: str, data: bytes, media_type: str = "") -> FilePayload:
    """A file that is on no disk."""
    return FilePayload(name=name, mimeType=media_type, buffer=data)


def tags_of(answer: dict[str, Any]) -> Sequence[str]:
    """The suggested tags of an answer of `POST /suggest-tags`."""
    return [suggestion["tag"] for suggestion in answer["suggestions"]]


def labels_of(answer: dict[str, Any]) -> Sequence[str]:
    """What these tags are called."""
    return [suggestion["label"] for suggestion in answer["suggestions"]]
