"""A server with markup in its words."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from testing.server import STUB, Server, serving
from tests.support.client import answer, new_track, post

MARKUP = "<img src=x onerror=document.title=1><script>document.title=2</script>"
VOCABULARY = f"""\
name: {MARKUP}
version: "1"
description: {MARKUP}
tags:
  {MARKUP}: {{msd: [rock]}}
  pop: {{msd: [pop]}}
"""


@dataclass(frozen=True)
class Marked:
    """A server with markup in a vocabulary's name and tag.

    Attributes:
        server: The running service.
    """

    server: Server

    def taggram(self, accept: str) -> httpx.Response:
        """A taggram with markup in it."""
        url = answer(post(self.server, new_track(), vocabulary=MARKUP))["taggram_url"]
        return self.server.http.get(url, headers={"Accept": accept})


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marked]:
    """See `Marked`."""
    folder = tmp_path_factory.mktemp("marked")
    vocabulary = folder / "marked.yaml"
    vocabulary.write_text(VOCABULARY)
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_VOCABULARY_FILES": f'["{vocabulary}"]',
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Marked(server)
