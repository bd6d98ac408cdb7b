"""The lock of the default image can be installed on each processor that it is built for."""

import subprocess
from pathlib import Path

import pytest

from tests.requirements.scripts import FOLDER, edit, run

OFFLINE = ("dns error", "Failed to fetch", "network", "timed out")


def check(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """Run the check; skip where the package index can't be reached."""
    ended = run("lock_check", *arguments, folder=folder)
    if any(words in ended.stderr for words in OFFLINE):
        pytest.skip("the package index can't be reached")
    return ended


def test_each_package_has_a_wheel_for_both_processors() -> None:
    ended = check("--dry-run")
    assert ended.returncode == 0, ended.stderr
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == ["x86_64", "aarch64"]


def test_a_package_without_wheels_for_arm64_fails(tmp_path: Path) -> None:
    marker = " ; platform_machine != 'aarch64'"
    ended = check("--dry-run", folder=edit(tmp_path, "cpu.lock", marker, ""))
    assert ended.returncode == 1
    assert "aarch64: " in ended.stderr
    assert "tensorflow-cpu" in ended.stderr


@pytest.mark.thorough  # a gigabyte of wheels
@pytest.mark.release
def test_all_wheels_have_their_hashes_and_binaries_of_their_processor() -> None:
    ended = check()
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("packages installed") == 2
