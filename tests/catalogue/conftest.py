"""A folder of files that stubs take for tracks."""

from collections.abc import Callable
from pathlib import Path

import pytest

Music = Callable[..., Path]
"""Writes files with these contents, by name without the extension; returns their folder."""


@pytest.fixture
def music(tmp_path: Path) -> Music:
    """Adds to the same folder at each call."""
    folder = tmp_path / "music"
    folder.mkdir()

    def write(**contents: str) -> Path:
        for name, content in contents.items():
            (folder / f"{name}.mp3").write_text(content)
        return folder

    return write


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.catalogue.run.RETRY_PAUSE_S", 0.0)
    monkeypatch.setattr("app.catalogue.files.PAUSES_S", (0.0, 0.0, 0.0))
