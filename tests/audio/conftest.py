"""What several files of tests share: a good file, an event loop, short imports in decoders."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.decoder_processes import main_module_hidden
from testing.sounds import encoded, tone


@pytest.fixture(scope="package", autouse=True)
def main_module_is_hidden() -> Iterator[None]:
    with main_module_hidden():
        yield


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run as the service does."""
    return "asyncio"


@pytest.fixture
def good_file(tmp_path: Path) -> Path:
    """Two seconds of a tone."""
    path = tmp_path / "good"
    path.write_bytes(encoded(tone(44_100), 44_100))
    return path
