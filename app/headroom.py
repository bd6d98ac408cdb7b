"""The free memory under a container's limit; the kernel kills processes that exceed the limit."""

from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class _Names:
    """The names of files and fields in one version of cgroups (cgroups(7); cgroup-v2.txt)."""

    controller: str
    limit: str
    usage: str
    reclaimable: str


V2 = _Names("", "memory.max", "memory.current", "inactive_file")
V1 = _Names("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@dataclass(frozen=True)
class Headroom:
    """The memory cgroup of this process.

    Attributes:
        folder: The folder in which the kernel describes it.
        names: The names of the files there.
    """

    folder: Path
    names: _Names

    def free_bytes(self) -> int | None:
        """Return the free memory in bytes, counting reclaimable caches; None without a limit."""
        try:
            limit = int((self.folder / self.names.limit).read_text())
            usage = int((self.folder / self.names.usage).read_text())
            stat = (self.folder / "memory.stat").read_text().split()
            cached = int(stat[stat.index(self.names.reclaimable) + 1])
        except (OSError, ValueError):  # there is no cgroup, or its limit is `max`
            return None
        return limit - usage + cached


def find_headroom() -> Headroom:
    """Return the memory cgroup of this process."""
    memberships = [line.split(":", 2) for line in OWN_CGROUPS.read_text().splitlines()]
    paths = {controllers: path for _, controllers, path in memberships}
    names = V1 if V1.controller in paths else V2
    mount = CGROUPS / names.controller
    inside = mount / paths.get(names.controller, "").lstrip("/")
    # In a container the kernel reports the path on the host, but mounts the cgroup as the root.
    return Headroom(inside if inside.is_dir() else mount, names)
