"""Servers that several files share: one with markup in its words, and a short memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from testing.server import Server, serving
from tests.api.asking import answer, encoded, noise, post

MARKUP = "<img src=x onerror=document.title=1><script>document.title=2</script>"
VOCABULARY = f"""\
name: {MARKUP}
version: "1"
description: {MARKUP}
tags:
  {MARKUP}: {{msd: [rock]}}
  pop: {{msd: [pop]}}
"""
TTL_S = 2


@dataclass(frozen=True)
class Marked:
    """A server with markup in a vocabulary's name and tag, and with a short memory.

    Attributes:
        server: The running service.
        temporary_files: The folder in which it keeps what it receives.
    """

    server: Server
    temporary_files: Path

    def taggram(self, accept: str) -> httpx.Response:
        """A taggram with markup in it."""
        audio = encoded(noise(4, seed=51))
        url = answer(post(self.server, audio, vocabulary=MARKUP))["taggram_url"]
        return self.server.http.get(url, headers={"Accept": accept})

    def held_files(self) -> list[str]:
        """Which of its temporary files the service and its decoders have open."""
        service = psutil.Process(self.server.process.pid)
        descriptors = [
            descriptor
            for process in (service, *service.children(recursive=True))
            for descriptor in Path(f"/proc/{process.pid}/fd").iterdir()
        ]
        links = [
            str(descriptor.readlink()) for descriptor in descriptors if descriptor.is_symlink()
        ]
        return [link for link in links if link.startswith(str(self.temporary_files))]


@pytest.fixture(scope="package")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marked]:
    """See `Marked`."""
    folder = tmp_path_factory.mktemp("marked")
    temporary_files = folder / "tmp"
    temporary_files.mkdir()
    vocabulary = folder / "marked.yaml"
    vocabulary.write_text(VOCABULARY)
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_VOCABULARY_FILES": f'["{vocabulary}"]',
        "TAGGRAM_CACHE_TTL_S": str(TTL_S),
    }
    with serving(folder / "log", settings) as server:
        yield Marked(server, temporary_files)
