"""How many CPUs this process may use, which in a container are fewer than the machine has."""

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""What a container may use: microseconds of CPU in so many of time, or `max` (cgroup v2)."""


def usable_cpus(quota: Path = QUOTA) -> int:
    """CPUs that this process may be put on, and where its time is limited, how many that makes."""
    allowed = len(os.sched_getaffinity(0))
    try:
        taken_us, of_us = map(int, quota.read_text().split())
    except (OSError, ValueError):  # no such file, or no limit
        return allowed
    return min(allowed, max(1, math.ceil(taken_us / of_us)))
