"""Runs the programs of the folder `requirements`, also in an edited copy of it."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "requirements"


def run(
    name: str, *arguments: str | Path, folder: Path = FOLDER
) -> subprocess.CompletedProcess[str]:
    """Run a program of the folder."""
    command = [sys.executable, folder / f"{name}.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def edit(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """Return a copy of the folder with another text in one of its files."""
    folder = tmp_path / "requirements"
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return folder
