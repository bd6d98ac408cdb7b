"""Reads the packages of a lock, as an installation on one platform takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

LOCKS = Path(__file__).resolve().parent

MACHINES = ("x86_64", "aarch64")
"""The processors that the default image is built for."""

PYTHON = "3.12"
"""The Python of the image."""


@dataclass(frozen=True)
class Locked:
    """A package of a lock.

    Attributes:
        requirement: Its name and version, with the marker that says where it is installed.
        lines: Its lines in the lock, with the hashes of its files.
    """

    requirement: Requirement
    lines: str

    @property
    def name(self) -> str:
        """The name of the package."""
        return self.requirement.name

    @property
    def version(self) -> str:
        """The version that is locked."""
        return str(self.requirement.specifier).removeprefix("==")


def read_lock(name: str) -> list[Locked]:
    """Return all packages of a lock, such as `cpu`, in its order."""
    return list(_parse((LOCKS / f"{name}.lock").read_text()))


def select_for_image(packages: list[Locked], machine: str) -> list[Locked]:
    """Return the packages that the default image installs.

    Args:
        packages: The packages of its lock.
        machine: One of MACHINES.
    """
    environment = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{PYTHON}.0",
        "python_version": PYTHON,
        "sys_platform": "linux",
    }
    return [
        package
        for package in packages
        if package.requirement.marker is None or package.requirement.marker.evaluate(environment)
    ]


def _parse(text: str) -> Iterator[Locked]:
    lines: list[str] = []
    for line in text.splitlines():
        lines.append(line)
        if not line.endswith("\\"):
            yield Locked(Requirement(lines[0].removesuffix("\\").strip()), "\n".join(lines) + "\n")
            lines = []
