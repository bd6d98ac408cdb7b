"""The number of CPUs that this process may use, which a container may limit."""

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""The CPU quota of a container (cgroup v2): microseconds of CPU time a period, or `max`."""


def usable_cpus(quota: Path = QUOTA) -> int:
    """Return the number of CPUs that this process may use, by its affinity and its CPU quota."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota_us, period_us = map(int, quota.read_text().split())
    except (OSError, ValueError):  # no such file, or no limit
        return allowed
    return min(allowed, max(1, math.ceil(quota_us / period_us)))
