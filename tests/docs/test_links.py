"""Every link inside the repository leads to a file, and to a heading if it names one."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.docs.pages import DOCS, PAGES, name_of, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")


def _anchors(page: Path) -> set[str]:
    """Make the anchors of a page's headings as GitHub does."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_has_a_target(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page.read_text())):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken


def test_headings_of_a_page_have_unique_anchors() -> None:
    for page in DOCS:
        headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
        assert len(headings) == len(_anchors(page)), page


def test_the_index_and_the_site_list_every_page_of_docs() -> None:
    names = {page.name for page in DOCS} - {"index.md"}
    linked = set(LINK.findall((REPOSITORY / "docs" / "index.md").read_text()))
    assert names <= linked
    nav = tomllib.loads((REPOSITORY / "zensical.toml").read_text())["project"]["nav"]
    assert names <= set(re.findall(r"docs/([\w-]+\.md)", str(nav)))
