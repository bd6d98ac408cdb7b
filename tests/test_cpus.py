import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cpus import usable_cpus

HERE = sorted(os.sched_getaffinity(0))


def test_a_process_pinned_to_one_cpu_counts_one():
    program = (
        f"import os; os.sched_setaffinity(0, [{HERE[0]}]); "
        "from app.settings import Settings; print(Settings().decode_workers)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], timeout=300, check=True, capture_output=True
    )

    assert int(printed.stdout) == 1


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [
        ("max 100000\n", len(HERE)),
        ("50000 100000\n", 1),
        ("100000 100000\n", 1),
        ("110000 100000\n", min(2, len(HERE))),
        ("99900000 100000\n", len(HERE)),
        ("", len(HERE)),
    ],
)
def test_the_cpu_quota_of_a_container_is_rounded_up(quota: str, cpus: int, tmp_path: Path):
    (tmp_path / "cpu.max").write_text(quota)

    assert usable_cpus(tmp_path / "cpu.max") == cpus


def test_without_a_quota_all_allowed_cpus_count(tmp_path: Path):
    assert usable_cpus(tmp_path / "none") == len(HERE)
