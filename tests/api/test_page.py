"""The page and the element's files, as browsers of any site fetch them."""

import re
from pathlib import Path

import httpx
import pytest

from testing.server import Server
from tests.support.client import assert_problem

WEB = Path(__file__).resolve().parents[2] / "app" / "web"
FILES = sorted(path.name for path in WEB.iterdir())
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}
ORIGIN = "https://signup.example"
MOST_BYTES = 30_000
MOST_BYTES_WITH_TAGGRAM = 38_000


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_media_type_and_is_open_to_every_page(stub: Server, name: str) -> None:
    response = stub.http.get(f"/web/{name}", headers={"Origin": ORIGIN})
    assert response.content == (WEB / name).read_bytes()
    assert response.headers["Content-Type"] == TYPES[Path(name).suffix]
    assert response.headers.get_list("Access-Control-Allow-Origin") == ["*"]
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unchanged_file_is_answered_304(stub: Server) -> None:
    first = stub.http.get("/web/tag-suggest.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = stub.http.get("/web/tag-suggest.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def loaded_with(name: str) -> set[str]:
    """A module and all that it imports at once, in any depth."""
    imported = re.findall(r'^import .* from "\./(.+)";$', (WEB / name).read_text(), re.MULTILINE)
    return {name}.union(*map(loaded_with, imported))


@pytest.mark.parametrize(
    ("modules", "most"),
    [
        (["tag-suggest.js"], MOST_BYTES),
        (["tag-suggest.js", "taggram-view.js"], MOST_BYTES_WITH_TAGGRAM),
    ],
)
def test_the_element_is_small(stub: Server, modules: list[str], most: int) -> None:
    """All of its modules on an English page, each as it goes over the wire."""
    sent = 0
    loaded = set().union(*map(loaded_with, modules))
    assert "words-en.js" in loaded
    assert "words-fr.js" not in loaded
    for name in loaded:
        with stub.http.stream("GET", f"/web/{name}") as response:
            assert response.headers.get("Content-Encoding") == "gzip"
            sent += len(b"".join(response.iter_raw()))
    assert sent < most


def texts(file: str) -> dict[str, set[str]]:
    """The placeholders of each text, by its key."""
    _, *found = re.split(r"^  (\w+):", (WEB / file).read_text(), flags=re.MULTILINE)
    return {
        key: set(re.findall(r"{\w+}", text))
        for key, text in zip(found[::2], found[1::2], strict=True)
    }


def test_each_language_has_all_texts_with_the_same_placeholders() -> None:
    assert texts("words-fr.js") == texts("words-en.js")


@pytest.mark.parametrize(
    "path",
    [
        *("/web/", "/web", "/web/%2e", "/web/none.js", "/web/none/dom.js", "/web/dom.js%00"),
        *("/web/..%2fmain.py", "/web/%2e%2e/main.py", "/web/dom.js/none/%2e%2e"),
        *("/web//etc/passwd", f"/web/{300 * 'a'}"),
    ],
)
def test_no_other_file_is_served(stub: Server, path: str) -> None:
    response = stub.http.get(path)
    assert_problem(response, 404, "not_found")


def test_the_policy_allows_only_files_of_the_page(stub: Server) -> None:
    response = stub.http.get("/")
    policy = dict(
        directive.split(" ", 1)
        for directive in response.headers["Content-Security-Policy"].split("; ")
    )
    assert response.headers["Content-Type"] == TYPES[".html"]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["media-src"] == "blob:"
    for name in re.findall(r'(?:src|href)="(web/[^"]+)"', response.text):
        assert stub.http.head(f"/{name}").status_code == httpx.codes.OK
