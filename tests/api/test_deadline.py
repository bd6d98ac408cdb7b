"""An answer that takes too long is given up, and says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.server import STUB, Server, serving
from tests.support.client import (
    assert_problem,
    kept_uploads,
    metric,
    noise_file,
    post,
    wait_for_uploads,
)


@pytest.fixture(scope="module")
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for received files."""
    return tmp_path_factory.mktemp("deadline")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, temporary_files: Path) -> Iterator[Server]:
    """A server with an impossible deadline."""
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_DEADLINE_S": "0.001",
    }
    with serving(tmp_path_factory.mktemp("hasty") / "log", settings, STUB) as server:
        yield server


def test_a_track_past_its_deadline_is_abandoned_and_leaves_nothing_behind(
    hasty: Server, temporary_files: Path
) -> None:
    for seed in range(5):
        assert_problem(post(hasty, noise_file(4, seed)), 504, "deadline_exceeded")
    wait_for_uploads(hasty, 0)
    assert not kept_uploads(hasty, temporary_files)
    assert metric(hasty, "taggram_errors_total", kind="internal_error") == 0
