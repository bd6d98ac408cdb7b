"""Processes that are killed amid their work, at a moment that depends on no clock."""

import signal
import subprocess
import sys

import pytest

AT_FSYNC = """
import os, signal, sys
real, left = os.fsync, int(sys.argv.pop(1))

def fsync(file):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    real(file)

os.fsync = fsync
"""
"""Each file that is to last is synced before it gets its name, and its folder afterwards."""

MANY = pytest.param((1, 2, 3, 4, 5, 1, 2, 3, 4, 1), marks=pytest.mark.thorough)
moments = pytest.mark.parametrize("moments", [(2, 5), MANY], ids=["two", "ten"])


def run_killed(code: str, moment: int, *arguments: object) -> None:
    """Run Python code that is killed when it syncs a file or folder for the nth time."""
    command = [sys.executable, "-c", AT_FSYNC + code, moment, *arguments]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
