"""What browsers are told: nothing is sniffed, nothing runs but our own page."""

import csv
import io
import subprocess
from pathlib import Path

import httpx
import pytest

from app.api.page_headers import HEADERS
from testing.packages.chromium import OPTIONS
from tests.faults.conftest import MARKUP, Marked

COMPLAINT = ":CONSOLE:"
"""With what Chromium marks lines of a page's console, violations of its policy among them."""


PATHS = [
    *("/", "/web/tag-suggest.js", "/web/nothing", "/limits"),
    *("/docs", "/openapi.json", "/models", "/metrics", "/nothing"),
]


def browsed(chromium: Path, url: httpx.URL, profile: Path) -> tuple[str, list[str]]:
    """What Chromium makes of a page: its document once scripts ran, and its console."""
    options = [*OPTIONS, "--enable-logging=stderr", f"--user-data-dir={profile}"]
    options += ["--virtual-time-budget=10000", "--dump-dom"]
    ran = subprocess.run(
        [chromium, *options, str(url)], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout, [line for line in ran.stderr.splitlines() if COMPLAINT in line]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_tells_browsers_to_take_it_for_what_it_is(marked: Marked, path: str) -> None:
    headers = marked.server.http.get(path).headers
    wanted = {**HEADERS, "Content-Security-Policy": headers["Content-Security-Policy"]}
    assert wanted.items() <= {name.title(): value for name, value in headers.items()}.items()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_the_documentation_works_under_its_policy(
    marked: Marked, chromium: Path, tmp_path: Path
) -> None:
    document, complaints = browsed(chromium, marked.server.http.base_url.join("/docs"), tmp_path)
    assert 'data-path="/suggest-tags"' in document
    assert complaints == []


def test_markup_is_not_run_by_a_browser(marked: Marked, chromium: Path, tmp_path: Path) -> None:
    url = marked.server.http.base_url.join("/vocabularies")
    document, complaints = browsed(chromium, url, tmp_path)
    assert "&lt;script&gt;document.title=2" in document
    assert "<script>" not in document
    assert "<title>" not in document
    assert not [line for line in complaints if "script" in line]


def test_markup_in_words_stays_data_in_json(marked: Marked) -> None:
    response = marked.taggram("application/json")
    assert response.headers["Content-Type"] == "application/json"
    shown = response.json()
    assert shown["vocabulary"] == MARKUP
    assert MARKUP in shown["tags"]


def test_markup_in_words_stays_data_in_a_table(marked: Marked) -> None:
    response = marked.taggram("text/csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    header = next(csv.reader(io.StringIO(response.text)))
    assert set(header) == {"time_s", MARKUP, "pop"}


def test_markup_in_words_is_drawn(marked: Marked) -> None:
    response = marked.taggram("image/png")
    assert response.headers["Content-Type"] == "image/png"
    assert response.content.startswith(b"\x89PNG")
    assert b"<script>" not in response.content
