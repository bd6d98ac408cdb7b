"""How much more memory the kernel grants: under a container's limit, it ends who asks for more."""

from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class _Names:
    """How one version of cgroups calls what we read (cgroups(7); cgroup-v2.txt, Memory)."""

    controller: str
    limit: str
    usage: str
    reclaimable: str


V2 = _Names("", "memory.max", "memory.current", "inactive_file")
V1 = _Names("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@dataclass(frozen=True)
class Headroom:
    """The memory group that this process belongs to.

    Attributes:
        folder: Where the kernel tells about it.
        names: Of the files there.
    """

    folder: Path
    names: _Names

    def free_bytes(self) -> int | None:
        """What may still be taken; files that are only cached count as free. None: no limit."""
        try:
            limit = int((self.folder / self.names.limit).read_text())
            usage = int((self.folder / self.names.usage).read_text())
            stat = (self.folder / "memory.stat").read_text().split()
            cached = int(stat[stat.index(self.names.reclaimable) + 1])
        except (OSError, ValueError):  # there is no group, or `max`
            return None
        return limit - usage + cached


def own_headroom() -> Headroom:
    """That of this process."""
    memberships = [line.split(":", 2) for line in OWN_CGROUPS.read_text().splitlines()]
    paths = {controllers: path for _, controllers, path in memberships}
    names = V1 if V1.controller in paths else V2
    mount = CGROUPS / names.controller
    inside = mount / paths.get(names.controller, "").lstrip("/")
    # In a container the kernel tells the path on the host, and shows its group as the root.
    return Headroom(inside if inside.is_dir() else mount, names)
