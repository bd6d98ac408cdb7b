"""A file that several files of tests have decoded."""

from pathlib import Path

import pytest

from testing.sounds import encoded, tone


@pytest.fixture
def good_file(tmp_path: Path) -> Path:
    """Two seconds of a tone."""
    path = tmp_path / "good"
    path.write_bytes(encoded(tone(44_100), 44_100))
    return path
