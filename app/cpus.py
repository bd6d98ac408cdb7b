"""The CPUs that this process may use, and whether it may use all of their instructions."""

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""The CPU quota of a container (cgroup v2): microseconds of CPU time a period, or `max`."""

ISA_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""They keep oneDNN, which computes the networks, from newer instructions, such as those of bf16."""


def limits_instructions() -> bool:
    """Return whether the environment keeps oneDNN from instructions that this CPU has."""
    limits = (os.environ.get(name, "").upper() for name in ISA_LIMITS)
    return any(limit not in ("", "ALL", "DEFAULT") for limit in limits)


def usable_cpus(quota: Path = QUOTA) -> int:
    """Return the number of CPUs that this process may use, by its affinity and its CPU quota."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota_us, period_us = map(int, quota.read_text().split())
    except (OSError, ValueError):  # no such file, or no limit
        return allowed
    return min(allowed, max(1, math.ceil(quota_us / period_us)))
