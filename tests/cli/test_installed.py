"""The installed program, a process for each command: in it, nothing of a test is loaded."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from testing.server import COMMAND

EACH = {
    "feedback": (["feedback", "acceptance", "--file", "none"], 1, r"^taggram: .*No such file"),
    "keys": (["keys", "list"], 1, "^taggram: no key file .*TAGGRAM_KEYS_FILE"),
    "models": (["models", "list"], 0, "msd-musicnn.*│ ready "),
    "serve": (["serve", "--host", "0.0.0.0"], 1, "^taggram: .* without API keys.*--insecure"),
}


def run(folder: Path, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with these settings and none of the test run itself."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TAGGRAM_") and name not in {"HOST", "PORT"}
    }
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**ours, "COLUMNS": "200", **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        *("models", "serve"),
        *(pytest.param(name, marks=pytest.mark.thorough) for name in ("feedback", "keys")),
    ],
)
def test_a_command_prints_its_result_or_a_one_line_error(command: str, tmp_path: Path) -> None:
    arguments, status, words = EACH[command]

    ended = run(tmp_path, *arguments)

    assert ended.returncode == status, ended.stderr
    assert re.search(words, ended.stderr if status else ended.stdout, re.MULTILINE)
    assert not status or len(ended.stderr.splitlines()) == 1, ended.stderr


@pytest.mark.thorough
def test_a_song_is_tagged_by_a_real_model(clip: Path, tmp_path: Path) -> None:
    arguments = ("tag", clip, "missing.wav", "--json", "--vocabulary", "alltags")

    ended = run(tmp_path, *arguments, TAGGRAM_MODELS='["msd-musicnn"]')

    lines = [line for line in ended.stderr.splitlines() if line]
    assert (ended.returncode, lines) == (1, ["missing.wav: No such file or directory", "1 failed"])
    (tagged,) = map(json.loads, ended.stdout.splitlines())
    assert tagged["models"] == ["msd-musicnn/1"]
    assert tagged["suggestions"][0]["tag"] == "metal"
