"""Commands that need packages which serving does not."""

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import sys
for name in ("audiomentations", "cleanlab", "iterstrat", "pyloudnorm", "sqlalchemy"):
    sys.modules[name] = None  # as if it were not installed
from app.cli import main
main()
"""

QUICK = {
    "data audit songs": "cleanlab",
    "data listen song.flac --to changed": "audiomentations",
    "catalogue tag songs --out out --descriptors": "pyloudnorm",
    "identities build sqlite:///platform.db --catalogue tagged --out made": "sqlalchemy",
}
SLOW = {
    "describe song.flac --out page": "pyloudnorm",
    "teach songs --name own": "iterstrat",
    "train split.parquet --audio-store audio --to run": "iterstrat",
}

EXTRAS = {"pyloudnorm": "descriptors", "sqlalchemy": "recommender"}
"""The extras of modules; all others are in `train`."""


@pytest.mark.parametrize(
    ("command", "module"),
    [
        *QUICK.items(),
        *(pytest.param(*each, marks=pytest.mark.thorough) for each in SLOW.items()),
    ],
)
def test_a_missing_extra_is_named_in_one_line(command: str, module: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT, *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    extra = EXTRAS.get(module, "train")
    assert ended.stderr.split("\n", 1) == [
        f"taggram: this command needs {module}; install it with `pip install 'taggram[{extra}]'`",
        "",
    ]
