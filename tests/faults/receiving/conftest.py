"""A server with short time-outs, a small disk and few descriptors."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.server import STUB, Server, serving
from tests.support.client import answer, kept_uploads, metric, noise_file, post, wait_for_uploads

STALL_TIMEOUT_S = 2
MAX_UPLOAD_BYTES = 1_000_000
DISK_BYTES = 8 * 2**20
DESCRIPTORS = 128
GOOD = noise_file(4)


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for files received by `impatient`: a small disk if root can create one."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder]
    is_root = os.geteuid() == 0
    is_small = is_root and not subprocess.run(mount, capture_output=True, check=False).returncode
    yield folder
    if is_small:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[Server]:
    """See above; `GOOD` is in its cache."""
    settings = {
        "TMPDIR": str(disk),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_STALL_TIMEOUT_S": str(STALL_TIMEOUT_S),
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_MAX_IN_FLIGHT": str(4 * DESCRIPTORS),
        "TAGGRAM_MAX_BACKLOG_S": "100000",
    }
    command = ("prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}", *STUB)
    with serving(tmp_path_factory.mktemp("impatient") / "log", settings, command) as server:
        answer(post(server, GOOD))
        yield server


@pytest.fixture
def unharmed(impatient: Server, disk: Path) -> Iterator[None]:
    """Afterwards nothing is left, nothing broke, and good music is welcome."""
    yield
    wait_for_uploads(impatient, 0)
    assert not kept_uploads(impatient, disk)
    assert metric(impatient, "taggram_errors_total", kind="internal_error") == 0
    assert answer(post(impatient, GOOD))["cached"]
