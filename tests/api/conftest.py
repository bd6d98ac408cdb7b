"""Servers that several files share: one with narrow limits, one with exact arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testing.server import Server, serving
from tests.api.asking import answer, encoded, noise, post

MAX_UPLOAD_BYTES = 1_000_000
MAX_DURATION_S = 20


@dataclass(frozen=True)
class Narrow:
    """A server that accepts one small upload at a time.

    Attributes:
        server: The running service.
        temporary_files: The folder in which it keeps what it receives.
        good: A track that it accepts, and has heard.
    """

    server: Server
    temporary_files: Path
    good: bytes


@pytest.fixture(scope="package")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Narrow]:
    """See `Narrow`."""
    folder = tmp_path_factory.mktemp("narrow")
    temporary_files = folder / "tmp"
    temporary_files.mkdir()
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_MAX_DURATION_S": str(MAX_DURATION_S),
        "TAGGRAM_MAX_IN_FLIGHT": "1",
    }
    good = encoded(noise(4))
    with serving(folder / "log", settings) as server:
        answer(post(server, good))
        yield Narrow(server, temporary_files, good)


@pytest.fixture(scope="package")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that computes in float32, for small differences between scores."""
    settings = {"TAGGRAM_MODELS": '["msd-musicnn"]', "TAGGRAM_PRECISION": "float32"}
    with serving(tmp_path_factory.mktemp("exact") / "log", settings) as server:
        yield server
