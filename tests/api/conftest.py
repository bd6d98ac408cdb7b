"""Servers that several files share."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from testing.server import STUB, Server, serving
from testing.sounds import encoded, noise
from tests.support.client import answer, noise_file, post

MAX_UPLOAD_BYTES = 1_000_000
MAX_POOLED_BYTES = 2_500_000
MAX_DURATION_S = 20
ORIGIN = "https://signup.example"
LEVELS = (0.3, 1, 0.6, 0.15)
"""Of the stretches of `varied`, relative to noise at a tenth of full scale."""


@dataclass(frozen=True)
class Narrow:
    """A server that accepts one small upload at a time, M4A too, and pages of ORIGIN.

    Attributes:
        server: The running service.
        temporary_files: The folder in which it keeps uploads.
        good: A track that it has accepted, so that it is in its cache.
    """

    server: Server
    temporary_files: Path
    good: bytes


@pytest.fixture(scope="session")
def varied() -> bytes:
    """A track of 12 s with another loudness every 3 s, so that its windows score differently."""
    stretches = [level * noise(48_000, seed) for seed, level in enumerate(LEVELS)]
    return encoded(np.concatenate(stretches), 16_000, "FLAC")


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Narrow]:
    """See `Narrow`."""
    folder = tmp_path_factory.mktemp("narrow")
    temporary_files = folder / "tmp"
    temporary_files.mkdir()
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_MAX_POOLED_BYTES": str(MAX_POOLED_BYTES),
        "TAGGRAM_MAX_DURATION_S": str(MAX_DURATION_S),
        "TAGGRAM_MAX_IN_FLIGHT": "1",
        "TAGGRAM_STALL_TIMEOUT_S": "60",  # tests pause in the middle of uploads
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
    }
    good = noise_file(4)
    with serving(folder / "log", settings, STUB) as server:
        answer(post(server, good))
        yield Narrow(server, temporary_files, good)
