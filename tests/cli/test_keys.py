"""`taggram keys` as an operator runs it."""

import os
import subprocess
from pathlib import Path

import pytest

from app.access.keys import KEY
from testing.server import COMMAND


def keys(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120", **settings}
    return subprocess.run(
        [COMMAND, "keys", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def assert_one_line(result: subprocess.CompletedProcess[str], words: str) -> None:
    (line,) = result.stderr.splitlines()
    assert words in line
    assert (result.returncode, result.stdout) == (1, "")


def test_a_key_is_printed_once_then_listed_by_name_and_revoked(tmp_path: Path) -> None:
    file = {"TAGGRAM_KEYS_FILE": str(tmp_path / "keys.json")}

    key = keys("create", "shop", "--admin", **file).stdout.removesuffix("\n")
    assert KEY.fullmatch(key)

    listed = keys("list", **file).stdout
    assert [word in listed for word in ("shop", "yes", "UTC")] == [True] * 3
    assert key.rpartition("_")[2] not in listed

    assert keys("revoke", "shop", **file).returncode == 0
    assert keys("list", **file).stdout.count("UTC") == 2
    assert_one_line(keys("revoke", "shop", **file), "is revoked already")


@pytest.mark.parametrize("settings", [{}, {"TAGGRAM_KEYS_FILE": ""}])
def test_without_a_file_to_keep_them_in_there_are_no_keys(settings: dict[str, str]) -> None:
    assert_one_line(keys("create", "shop", **settings), "TAGGRAM_KEYS_FILE")
